"""Read-only figures and exports, computed from the rooms' queries and the ledger. None are offered yet."""
