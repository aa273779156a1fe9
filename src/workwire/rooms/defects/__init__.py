"""What went wrong at a work item: defects, their categories and the parties at fault.

Words: *defect* (something that went wrong at a work item, resolved or not), *defect category* (what kind of thing, in up to
three levels of a service line; a defect names one without others below it), *party at fault* (who caused it; one list for the
whole installation).
Invariants: a defect is part of its work item: to add, change, resolve or remove one is a change of the item; a category or
party in use is retired, never removed; what counts against the due date does not change by a defect.
"""
