"""Finding: a full-text index of what people wrote, and how to look through it as an actor.

Words: *document* (what the index holds of one record), *kind* (of record that is found), *tier* (how well a record fits: it is
called so, its title has all the words, all of it has), *scope* (an object a record lies under, as the index knows it).
Invariants: a document follows every change of its record within seconds, by a listener, and a job makes all of them anew; the
index proposes and the rules of sight decide, so nothing is shown or counted that the actor may not see. What is asked is cut
into words by ourselves, the same way as what is indexed, and no database ever reads a language of queries that somebody typed.
"""
