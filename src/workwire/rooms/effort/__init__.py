"""Time that people spend on work items.

Words: *time session* (time of one account at one work item: it runs, pauses, and ends), *counted time* (what the clock
counted), *correction* (what somebody says the time was instead; the last one counts, and what the clock counts afterwards is
added), *time* (counted time with its last correction).
Invariants: an account has at most one running session, and at an item at most one that has not ended; counted time is kept
whatever is corrected; a session that runs for longer than a setting says was forgotten, and ends there. Time is about a
person: it is no change of the work item, which keeps its version, and no webhook tells of it.
"""
