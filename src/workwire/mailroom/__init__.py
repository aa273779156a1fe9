"""The door for mail: reads mailboxes and calls commands, as the other doors do. Nothing comes through it yet."""
