"""What is promised: calendars and due date rules. A plain time to the due date lives with the process version for now."""
