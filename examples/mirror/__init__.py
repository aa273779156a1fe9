"""A mirror of all work items in SQLite, kept by webhooks alone."""
