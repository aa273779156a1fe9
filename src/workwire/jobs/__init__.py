"""Work that is done later: what time alone moves, and what is too long for one quick transaction.

Words: *timer* (a moment at which one record is to be moved, by a handler of its kind), *lease* (what was claimed is claimed
again by another worker when it was not done by then), *job* (work of a *kind*, done in a *lane*), *piece* (the part of a job
that is done at a time), *standing job* (one that is planned anew after every run).
Invariants: a record has at most one timer of a kind; it is set and cleared in the transaction of the change it belongs to; a
handler runs at least once, at or after its moment, and finds out for itself whether there is still something to do. A job is
written in the transaction that wants it; a piece, its progress and the place where the next one begins are written in one
transaction, so that no piece is lost and none is written twice.
"""
