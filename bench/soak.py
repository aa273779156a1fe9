"""A long run: is the worker's memory flat, and do tables stay as large as what they hold?

`bench/soak [sqlite|postgres] [deliveries]` delivers so many in batches and prints a Markdown table: after
each batch the memory of the worker with its transport, the size of the queue's table and of the whole database.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import filling
import rig
from sink import Sink, sink

STEPS = 10
SETTLED_AFTER = 2  # batches in which the worker may grow
MOST_GROWTH = 1.1


def main() -> None:
    """Run, print, and end with status 1 when memory grew."""
    arguments = argparse.ArgumentParser(description="Deliver many and watch memory and tables.")
    arguments.add_argument("database", choices=rig.DATABASES, nargs="?", default="sqlite")
    arguments.add_argument("deliveries", type=int, nargs="?", default=1_000_000)
    given = arguments.parse_args()
    with sink(1) as receiver, rig.installation(given.database) as made:
        memories = soak(given.deliveries // STEPS, receiver, made.folder)
    settled = memories[SETTLED_AFTER:]
    sys.exit(0 if max(settled) <= settled[0] * MOST_GROWTH else 1)


def soak(batch: int, receiver: Sink, folder: Path) -> list[float]:
    """Deliver the batches one after the other; the memory after each, in MiB."""
    filling.subscribe(filling.office(), receiver.urls)
    memories: list[float] = []
    print("| delivered | memory in MiB | queue in MiB | database in MiB |\n|---|---|---|---|")
    with rig.workers() as (pid,):
        for step in range(1, STEPS + 1):
            filling.add_events(batch)
            wait_until_idle()
            memories.append(rig.memory(pid))
            queue, whole = sizes(folder)
            print(f"| {batch * step:,} | {memories[-1]:.1f} | {queue:.1f} | {whole:.1f} |", flush=True)
    return memories


def wait_until_idle() -> None:
    """Wait until nothing is pending or queued."""
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks.models import Queued

    while Pending.objects.exists() or Queued.objects.exists():
        time.sleep(0.1)


def sizes(folder: Path) -> tuple[float, float]:
    """The queue's table with its indexes, and the whole database, in MiB; SQLite does not tell of single tables."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0, sum(path.stat().st_size for path in folder.glob("workwire.sqlite3*")) / 2**20
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('webhooks_queued'), pg_database_size(current_database())")
        queue, whole = cursor.fetchone()
    return queue / 2**20, whole / 2**20


if __name__ == "__main__":
    main()
