"""What is kept as files: contents in a storage, files of work items, file tags.

Words: *stored file* (a content in the storage), *temporary file* (uploaded, not yet a file of anything; ends after a day),
*file tag* (what a file is), *wish* (what a command asks for one file of a work item).
Invariants: a content is never changed; a file that a work item shows is there, for its content is written before its row;
files are only given out after a look at the rights on their work item; nothing a browser would run is given out as such.
"""
