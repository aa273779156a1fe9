"""Finding a record from anywhere: by reference, GUID, title, or the name of a contact or customer."""
