"""The ledger and the queue of events.

Words: *event* (something that happened to a record), *ledger* (all events, never updated, also the history of a record),
*pending* (an event whose deliveries have not been written yet), *sequence* (the place of an event among its record's).
Invariants: an event is written in the transaction of the change it tells of; its body is fixed then; the sequence of a
record rises by exactly one; a pending row lives as long as its event has not been fanned out.
"""
