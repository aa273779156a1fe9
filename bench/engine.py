"""End to end: claim, rights, prepare, sign, POST, settle with attempts, as fast as one dispatcher goes.

`python bench/engine.py [sqlite|postgres] [deliveries] [subscriptions]` fills the queue, starts `workwire dispatch` as an
operator would, and prints deliveries a second between a tenth and the last tenth of the backlog, the processor time of the
dispatcher for each and its memory.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import rig


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("database", choices=rig.DATABASES, nargs="?", default="sqlite")
    arguments.add_argument("deliveries", type=int, nargs="?", default=60_000)
    arguments.add_argument("subscriptions", type=int, nargs="?", default=4)
    arguments.add_argument("--dispatchers", type=int, default=1)
    arguments.add_argument("--blocker", action="store_true", help="keep a transaction open elsewhere meanwhile")
    given = arguments.parse_args()
    with rig.sink(given.subscriptions) as sink, rig.installation(given.database):
        fanned = fill(given.deliveries, sink.ports)
        print(f"{given.database}: fan-out of {given.deliveries} deliveries: {fanned:,.0f}/s")
        with rig.blocker(given.blocker):
            result = drain(sink, given.dispatchers)
        print(f"{given.database}: {result}")


def fill(count: int, ports: list[int]) -> float:
    """Queue so many deliveries to the endpoints; how many a second the fan-out made."""
    from workwire.kernel import clock
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks import fanning

    office = rig.office()
    rig.subscribe(office, [f"http://127.0.0.1:{port}/hook" for port in ports])
    rig.add_events(office, count // len(ports))
    begun = time.perf_counter()
    while Pending.objects.exists():
        fanning.fan_out(clock.now())
    took = time.perf_counter() - begun
    rig.vacuum()
    return count / took


@dataclass(frozen=True, slots=True)
class Drained:
    """How a backlog was worked off: deliveries a second, microseconds of the dispatchers' processors and MiB for each."""

    rate: float
    cost: float
    memory: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f} deliveries/s, {self.cost:.0f} µs of the dispatcher each, {self.memory:.0f} MB"


def drain(sink: rig.Sink, dispatchers: int = 1) -> Drained:
    """Let dispatchers work off the queue; nothing may be left over or undelivered."""
    from workwire.reactions.webhooks.models import Delivery, Queued, State

    total, before = Queued.objects.count(), sink.arrived()
    running = [rig.dispatcher() for _ in range(dispatchers)]
    memory, marks = 0.0, list[tuple[float, float, int]]()
    try:
        while not marks or marks[-1][2] < total:
            time.sleep(0.05)
            cost = sum(rig.processor_seconds(process.pid) for process in running)
            marks.append((time.perf_counter(), cost, sink.arrived() - before - len(marks)))
        memory = max(rig.memory(process.pid) for process in running)
        while Queued.objects.exists():
            time.sleep(0.1)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
    wrong = Delivery.objects.exclude(state=State.DELIVERED).count()
    if wrong:
        raise SystemExit(f"{wrong} deliveries were not delivered")
    begun, begun_cost, first = next(mark for mark in marks if mark[2] > total * 0.1)
    ended, ended_cost, last = next(mark for mark in marks if mark[2] > total * 0.9)
    count = last - first
    return Drained(count / (ended - begun), (ended_cost - begun_cost) / count * 1e6, memory)


if __name__ == "__main__":
    main()
