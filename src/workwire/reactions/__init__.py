"""Listeners: what follows from events. They read the ledger and the rooms' queries, and never change a room."""
