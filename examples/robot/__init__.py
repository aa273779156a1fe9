"""A robot that works through its queues."""
