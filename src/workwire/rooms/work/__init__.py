"""The heart of the domain: tickets, cases and actions, their states, links and assignment.

Words: *work item* (a ticket, case or action; "packet" in the documented API), *draft* (not yet submitted), *assignee* (who
works on it now), *owner* (who answers for it), *reference* (its name for people: ``40308-T``, ``202234-C``,
``202234-C-A2.1``), *RAG* (how it stands against its due date; computed, never stored).
Invariants: a status changes only by a transition of `transitions`; every command records what it changed in its own
transaction; one `WorkItemUpdated` per item and command; an update that changes nothing records nothing.
"""
