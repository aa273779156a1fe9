"""How PostgreSQL keeps the log of deliveries and the queue: what models cannot say."""

from __future__ import annotations

from typing import Any

from django.db import connections

# Room for a second version of every row, so that settling stays in its page; and a queue that is cleaned all the time,
# whatever its size.
STORAGE = {
    "webhooks_delivery": ["fillfactor=50"],
    "webhooks_queued": [
        "fillfactor=70",
        "autovacuum_vacuum_scale_factor=0",
        "autovacuum_vacuum_threshold=20000",
        "autovacuum_vacuum_cost_delay=0",
    ],
}


def set_storage(using: str, **_: Any) -> None:
    """Set what differs; listens to ``post_migrate``, so that it holds however the tables came to be."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'", [list(STORAGE)]
        )
        for table, present in cursor.fetchall():
            if set(STORAGE[table]) - set(present or ()):
                cursor.execute(f"ALTER TABLE {table} SET ({', '.join(STORAGE[table])})")
