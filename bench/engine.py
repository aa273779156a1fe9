"""`engine`: end to end – claim, rights, prepare, sign, POST, settle with attempts – as fast as a worker goes.

A backlog is fanned out in this process, then `workwire worker` works it off as an operator would start it. Counted is
what arrives at the sink between the first and the last tenth; nothing may be missing there or undelivered in the log.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import filling
import rig
from figures import Figure, Given, check, median, say
from sink import Sink, sink

SHARE = 0.25  # of a core


@dataclass(frozen=True, slots=True)
class Drained:
    """How a backlog was worked off: deliveries a second, microseconds of the workers' and of the database server's
    processors and bytes of the server's log for each, and MiB of the largest worker."""

    rate: float
    cost: float
    server_cost: float
    log: float
    memory: float


@dataclass(frozen=True, slots=True)
class Fanned:
    """How a backlog was fanned out: deliveries a second, and bytes of the server's log for each."""

    rate: float
    log: float


def measure(given: Given) -> list[Figure]:
    """One worker; on PostgreSQL also two, one beside a transaction left open, and one, two and four that have a quarter of
    a core each, so that cores are left for what they share."""
    backlog, database = given.size(60_000, 10_000), given.database
    with sink() as target, rig.installation(database) as place:
        filling.subscribe(filling.office(), target.urls)
        fanned, runs = zip(*(_run(target, place, backlog) for _ in range(given.runs)), strict=True)
        figures = [
            median(f"engine.{database}", [run.rate for run in runs], "deliveries/s"),
            median(f"engine.{database}.cost", [run.cost for run in runs], "µs"),
            median(f"engine.{database}.memory", [run.memory for run in runs], "MiB"),
            median(f"engine.{database}.fanout", [run.rate for run in fanned], "deliveries/s"),
        ]
        if database == "postgres":
            two = [_run(target, place, backlog, workers=2)[1].rate for _ in range(given.runs)]
            blocked = [_run(target, place, backlog, blocked=True)[1].rate for _ in range(given.runs)]
            figures += [
                median("engine.postgres.two", two, "deliveries/s"),
                median("engine.postgres.blocked", blocked, "deliveries/s"),
                median("engine.postgres.server", [run.server_cost for run in runs], "µs"),
                median("engine.postgres.log", [run.log for run in runs], "bytes"),
                median("engine.postgres.fanout.log", [run.log for run in fanned], "bytes"),
            ]
        if database == "postgres" and rig.shares_possible():
            for count in (1, 2, 4):
                rates = [_run(target, place, backlog, workers=count, share=SHARE)[1].rate for _ in range(given.runs)]
                figures.append(median(f"engine.postgres.quarters.{count}", rates, "deliveries/s"))
    return figures


def _run(
    target: Sink,
    place: rig.Installation,
    backlog: int,
    *,
    workers: int = 1,
    share: float | None = None,
    blocked: bool = False,
) -> tuple[Fanned, Drained]:
    """How so many deliveries were fanned out, and worked off."""
    filling.add_events(backlog // len(target.ports))
    fanned = fan_out(backlog)
    with rig.blocker(blocked):
        drained = drain(target, place, workers=workers, share=share)
    what = f"{workers} worker{'s' * (workers > 1)}{' beside a blocker' * blocked}"
    what += f" with {share:.0%} of a core each" if share else ""
    say(f"  {what}: {drained.rate:,.0f} deliveries/s, {drained.cost:.0f} µs each, {drained.memory:.0f} MiB")
    return fanned, drained


def fan_out(deliveries: int) -> Fanned:
    """Fan out what is pending, which must make so many deliveries."""
    from workwire.kernel import clock
    from workwire.outbox.models import Pending
    from workwire.reactions.webhooks import fanning
    from workwire.reactions.webhooks.models import Queued

    before, log, begun = Queued.objects.count(), rig.log_written(), time.perf_counter()
    while Pending.objects.exists():
        fanning.fan_out(clock.now())
    took, log = time.perf_counter() - begun, rig.log_written() - log
    made = Queued.objects.count() - before
    check(made == deliveries, f"fan-out made {made} of {deliveries} deliveries")
    rig.vacuum()
    return Fanned(deliveries / took, log / deliveries)


def drain(target: Sink, place: rig.Installation, *, workers: int = 1, share: float | None = None) -> Drained:
    """Let workers work off the queue; nothing may be left over, undelivered or sent twice."""
    from workwire.reactions.webhooks.models import Queued

    total, before = Queued.objects.count(), target.arrived()
    with rig.workers(workers, share=share) as running:
        server, log = place.processor_seconds(), rig.log_written()
        pace = target.pace(
            before + total, since=before, spent=lambda: sum(rig.processor_seconds(pid) for pid in running)
        )
        server = place.processor_seconds() - server
        memory = max(rig.memory(pid) for pid in running)
        wait_for_settling()
        log = rig.log_written() - log
    check_delivered()
    check(target.arrived() - before == total, f"{target.arrived() - before} messages arrived for {total} deliveries")
    return Drained(pace.rate, pace.cost, server / total * 1e6, log / total, memory)


def wait_for_settling(left: int = 0, *, seconds: float = 60.0) -> None:
    """Wait until no more than so many deliveries are in the queue."""
    from workwire.reactions.webhooks.models import Queued

    deadline = time.monotonic() + seconds
    while (queued := Queued.objects.count()) > left:
        check(time.monotonic() < deadline, f"{queued - left} deliveries are still queued")
        time.sleep(0.05)


def check_delivered() -> None:
    """Everything in the log must have been delivered."""
    from workwire.reactions.webhooks.models import Delivery, State

    wrong = Delivery.objects.exclude(state=State.DELIVERED).count()
    check(not wrong, f"{wrong} deliveries were not delivered")
