"""What somebody chooses for their own account."""
