"""What is offered: service lines, work types, processes in versions, schedules.

Words: *service line* (a field of work), *work type* (a ticket type, case type or action type of a service line), *process*
(a ticket or case type offered under one service), *process version* (how a process runs: categories of a ticket, steps and
actions of a case), *schedule* (named periods and dates that work follows).
Invariants: at most one version of a process is live; a version that is live or was live is never changed in its content;
a running item keeps the version it was started with.
"""
