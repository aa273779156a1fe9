"""`fanout`: one event that a thousand subscriptions want, and the cost of matching among ten thousand of which three do."""

from __future__ import annotations

import statistics
import time
import uuid
from typing import TYPE_CHECKING

import engine
import filling
import rig
from figures import Figure, Given, check, median, say
from sink import Sink, sink

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription

WANTING, OTHERS = 1_000, 9_997
EVENTS = 500  # one batch of fan-out


def measure(given: Given) -> list[Figure]:
    """Matching in this process; then, in the same installation, a worker that delivers."""
    name = f"fanout.{given.database}"
    with sink() as target, rig.installation(given.database):
        office = filling.office()
        wanting = [subscription for subscription, _ in filling.subscribe(office, target.urls[:3])]
        few = _match(len(wanting), given)
        _add(wanting[0], OTHERS, filter_key=[str(uuid.uuid4()) for _ in range(OTHERS)])
        many = _match(len(wanting), given)
        say(f"  a batch of {EVENTS} events: {few:.1f} ms among 3 subscriptions, {many:.1f} ms among 10,000")
        urls = target.urls
        _add(wanting[0], WANTING - len(wanting), url=urls, endpoint=[url.removesuffix("/hook") for url in urls])
        _empty_queue()
        first, *more = _deliver(target, given)
    return [
        Figure(f"{name}.few", few, "ms"),
        Figure(f"{name}.many", many, "ms"),
        Figure(f"{name}.first", first, "ms"),
        median(f"{name}.thousand", more, "ms"),
    ]


def _match(wanting: int, given: Given) -> float:
    """Milliseconds that fan-out takes for a batch of events which so many subscriptions want; the median."""
    times = []
    for _ in range(given.size(11, 3)):
        filling.add_events(EVENTS)
        times.append(EVENTS * wanting / engine.fan_out(EVENTS * wanting).rate * 1e3)
    return statistics.median(times)


def _deliver(target: Sink, given: Given) -> list[float]:
    """Milliseconds from the commit of one event until the last of a thousand messages has arrived; of several events."""
    from workwire.outbox import wake

    times = []
    with rig.quiet_worker():
        for _ in range(given.size(11, 3)):
            before = target.arrived()
            filling.add_events(1)
            begun = time.perf_counter()
            wake.ring()
            target.wait_for(before + WANTING)
            times.append((time.perf_counter() - begun) * 1e3)
            engine.wait_for_settling()
            check(target.arrived() - before == WANTING, f"{target.arrived() - before} messages arrived for {WANTING}")
    engine.check_delivered()
    return times


def _add(subscription: Subscription, count: int, **changed: list[str]) -> None:
    from workwire.reactions.webhooks.models import Subscription

    Subscription.objects.bulk_create(filling.copies_of(subscription, count, **changed), batch_size=500)
    rig.vacuum()


def _empty_queue() -> None:
    """Forget what was fanned out for matching."""
    from workwire.reactions.webhooks.models import Delivery, Queued

    Queued.objects.all().delete()
    Delivery.objects.all().delete()
