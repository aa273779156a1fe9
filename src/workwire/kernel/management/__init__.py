"""Commands of the kind that Django finds by their names."""
