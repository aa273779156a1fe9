"""`growth`: what a delivery costs with a short backlog and with a long one, a window of the long one measured."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import filling
import rig
from figures import Figure, Given, check, say
from sink import Sink, sink

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription

SHORT = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a delivery, in microseconds: of the clock, and of the processors of worker and database server."""

    clock: float
    processors: float


def measure(given: Given) -> list[Figure]:
    """The short one several times, then the long one."""
    long, window = given.size(1_000_000, 60_000), given.size(60_000, 10_000)
    with sink() as target, rig.installation(given.database) as place:
        subscriptions = [subscription for subscription, _ in filling.subscribe(filling.office(), target.urls)]
        costs = []
        for _ in range(given.size(5, 2)):
            _fill(SHORT, subscriptions)
            costs.append(_work_off(target, place, SHORT))
            say(f"  backlog of {SHORT:,}: {costs[-1].clock:.0f} µs, {costs[-1].processors:.0f} µs of processors")
        _fill(long, subscriptions)
        at_long = _work_off(target, place, window)
        say(f"  backlog of {long:,}: {at_long.clock:.0f} µs, {at_long.processors:.0f} µs of processors")
    name = f"growth.{given.database}"
    return [
        Figure(f"{name}.short", statistics.median(cost.processors for cost in costs), "µs"),
        Figure(f"{name}.long", at_long.processors, "µs", at=long),
        Figure(f"{name}.short.clock", statistics.median(cost.clock for cost in costs), "µs"),
        Figure(f"{name}.long.clock", at_long.clock, "µs", at=long),
    ]


def _fill(deliveries: int, subscriptions: list[Subscription]) -> None:
    after = filling.add_events(deliveries // len(subscriptions), pending=False)
    filling.add_deliveries(after, subscriptions)
    rig.vacuum()


def _work_off(target: Sink, place: rig.Installation, window: int) -> Cost:
    """Let a worker work off so much of the queue, then drain and stop it; what it took must have arrived."""
    from workwire.reactions.webhooks.models import Attempt, Queued

    before, queued = target.arrived(), Queued.objects.count()
    with rig.workers() as (pid,):
        pace = target.pace(
            before + window,
            since=before,
            spent=lambda: rig.processor_seconds(pid) + place.processor_seconds(),
        )
    left, arrived = Queued.objects.count(), target.arrived() - before
    check(arrived == queued - left >= window, f"{arrived} messages arrived, {queued - left} deliveries left the queue")
    check(not Attempt.objects.exclude(status=204).exists(), "an attempt failed")
    return Cost(1e6 / pace.rate, pace.cost)
