"""The ground floor, without tables: clock, ids, the actor, errors, secrets at rest, pages, destinations.

Words: *actor* (on whose behalf something is done), *GUID* (the public id of a record).
Invariant: nothing here knows a room, a door or the database.
"""
