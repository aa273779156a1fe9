"""Finding a record from anywhere: work, what was said, people and files through the index, all else by its name or GUID."""
