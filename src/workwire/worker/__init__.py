"""The process that talks outward: it fans events out, claims deliveries, sends them and settles what came back.

Words: *lane* (fresh, retry, bulk), *claim* and *lease* (a delivery belongs to one worker for a while), *bell* (the hint
that there is something to do), *drain* (finish what is in flight and stop).
Invariants: no database transaction is open during an HTTP request; nothing is held only in memory that a crash could lose;
a right revoked and committed before a message is prepared is honoured by that message, and an attempt begins within seconds
after its message was prepared.
"""
