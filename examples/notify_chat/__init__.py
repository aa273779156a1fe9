"""Tell a chat about new work."""
