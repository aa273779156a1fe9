"""Batches: many work items given to somebody, or created from a spreadsheet, one after the other by a job.

Words: *batch* (what is to be done), *row* (one item of it, or one line of the sheet), *issue* (why a row was not done).
Invariants: each row is done once or refused with its reasons, and no row holds up another; a row is done with the rights that
the account, and the application it came through, have at that moment; a batch and its rows are for its account alone. A sheet
is checked first, and only started by hand.
"""
