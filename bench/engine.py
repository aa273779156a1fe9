"""End to end: claim, rights, prepare, sign, POST, settle with attempts, as fast as one dispatcher goes.

`python bench/engine.py [sqlite|postgres] [deliveries] [subscriptions]` prints deliveries a second, and the same as a share
of what the bare HTTP client does in the same run.
"""

from __future__ import annotations

import argparse
import resource
import time

import rig


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("database", choices=rig.DATABASES, nargs="?", default="sqlite")
    arguments.add_argument("deliveries", type=int, nargs="?", default=40_000)
    arguments.add_argument("subscriptions", type=int, nargs="?", default=4)
    arguments.add_argument("--concurrency", type=int, default=256)
    given = arguments.parse_args()
    with (
        rig.sink(given.subscriptions) as ports,
        rig.installation(
            given.database, webhook_concurrency=given.concurrency, webhook_endpoint_concurrency=given.concurrency
        ),
    ):
        measure(given, ports)


def measure(given: argparse.Namespace, ports: list[int]) -> None:
    """Fill the queue, then let one engine empty it."""
    from django.db import connection

    from workwire.dispatcher.engine import Engine
    from workwire.kernel import clock
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks import deliveries
    from workwire.reactions.webhooks.models import Delivery, State

    office = rig.office()
    rig.subscribe(office, [f"http://127.0.0.1:{port}/hook" for port in ports])
    rig.add_events(office, given.deliveries // given.subscriptions)
    begun = time.perf_counter()
    while Pending.objects.exists():
        deliveries.fan_out(clock.now())
    fanned = time.perf_counter() - begun
    print(f"{given.database}: fan-out of {Delivery.objects.count()} deliveries: {given.deliveries / fanned:,.0f}/s")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    engine = Engine()
    cpu = time.process_time()
    begun = time.perf_counter()
    engine.drain(timeout=600)
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    engine.close()
    delivered = Delivery.objects.filter(state=State.DELIVERED).count()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{given.database}: {delivered} delivered, {delivered / took:,.0f}/s, "
        f"{cpu / delivered * 1e6:.0f} µs of this process each, peak {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
