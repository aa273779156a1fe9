"""Pages of administration: accounts and what they see, roles, groups, queues, calendars, settings."""
