"""Work that is done later: what time alone moves.

Words: *timer* (a moment at which one record is to be moved, by a handler of its kind), *lease* (what was claimed is claimed
again by somebody else when it was not done by then).
Invariants: a record has at most one timer of a kind; it is set and cleared in the transaction of the change it belongs to; a
handler runs at least once, at or after its moment, and finds out for itself whether there is still something to do.
"""
