"""What is promised: working calendars and due date rules.

Words: *calendar* (a working week, the holidays of a country, exceptions for single days), *due date rule* (from which
moment, how much, in which unit, and what then), *step* (one step of the way to a due date).
Invariants: a rule computes the same date from the same facts and calendar, and says how; calendar names are unique.
"""
