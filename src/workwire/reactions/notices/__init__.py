"""Notices: what an account is told because it concerns it.

Words: *notice* (one thing that happened, for one account), *kind* (of notice; an account may do without some), *reason* (why
this account is told, a code). Invariants: an event gives an account at most one notice; nobody is told of what they did
themselves, nor of what they may not see: that is asked when a notice is written and again whenever it is read. Robots are told
nothing, they ask for work. Notices are kept for ninety days. They are no records: to read one leaves no event in the ledger.
"""
