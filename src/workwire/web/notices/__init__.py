"""What the account is told, on a page and as a badge in the shell."""
