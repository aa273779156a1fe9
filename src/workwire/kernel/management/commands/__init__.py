"""Commands that stand in the place of those of Django."""
