"""What is said about work: notes, phone calls, letters and mail, recorded at a work item.

Words: *communication* (one thing said), *sender* (the account or address it came from).
Invariants: a communication is seen by who may see its work item; it is never changed; adding one records
`NewCommunication` in the same transaction.
"""
