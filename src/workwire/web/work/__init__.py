"""The pages of work items."""
