"""`retention`: how fast the old log is removed, alone and beside full delivery, and how much that slows delivery."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import engine
import filling
import rig
from figures import Figure, Given, check, say
from sink import sink

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription

OLD, ENDPOINTS = timedelta(days=60), 4


def measure(given: Given) -> list[Figure]:
    """Removal alone, delivery alone, then both at once."""
    old, backlog = given.size(500_000, 50_000), given.size(60_000, 10_000)
    with sink(ENDPOINTS) as target, rig.installation(given.database) as place:
        subscriptions = [subscription for subscription, _ in filling.subscribe(filling.office(), target.urls)]
        _fill(old, subscriptions)
        alone = _remove(old)
        say(f"  {alone:,.0f} rows a second removed")
        _queue(backlog)
        begun = time.perf_counter()
        undisturbed = engine.drain(target, place).rate
        enough = alone * (time.perf_counter() - begun) * 2
        _queue(backlog)
        _fill(int(enough), subscriptions)
        with _removing() as removed:
            begun = time.perf_counter()
            disturbed = engine.drain(target, place).rate
            took = time.perf_counter() - begun
    name = f"retention.{given.database}"
    return [
        Figure(f"{name}.alone", alone, "rows/s"),
        Figure(f"{name}.beside", removed[0] / took, "rows/s"),
        Figure(f"{name}.undisturbed", undisturbed, "deliveries/s"),
        Figure(f"{name}.disturbed", disturbed, "deliveries/s"),
    ]


def _fill(count: int, subscriptions: list[Subscription]) -> None:
    """Write a log of old deliveries with their attempts."""
    from workwire.kernel import clock
    from workwire.reactions.webhooks.models import State

    after = filling.add_events(count // len(subscriptions), pending=False)
    filling.add_deliveries(after, subscriptions, state=State.DELIVERED, at=clock.now() - OLD)
    rig.vacuum()


def _queue(count: int) -> None:
    filling.add_events(count // ENDPOINTS)
    engine.fan_out(count)


def _remove(count: int) -> float:
    """Remove so many of the oldest deliveries; rows a second, attempts not counted."""
    from workwire.kernel import clock
    from workwire.reactions.webhooks import retention
    from workwire.reactions.webhooks.models import Attempt, Delivery

    before, removed, begun = Delivery.objects.count(), 0, time.perf_counter()
    while removed < count:
        batch = retention.remove_old(clock.now() - OLD / 2)
        check(batch > 0, "there was nothing more to remove")
        removed += batch
    took = time.perf_counter() - begun
    check(before - Delivery.objects.count() == removed, "the log shrank by something else than was removed")
    check(Attempt.objects.count() == Delivery.objects.count(), "attempts were left behind")
    return removed / took


@contextlib.contextmanager
def _removing() -> Iterator[list[int]]:
    """Remove old deliveries in a thread of its own, at the pace of a worker's lane; tells in the end how many."""
    from workwire.reactions.webhooks.models import Delivery

    over, failures, removed = threading.Event(), list[BaseException](), [0]
    before = Delivery.objects.count()

    def run() -> None:
        from django.db import connection

        from workwire.jobs import commands, running
        from workwire.jobs.models import Job
        from workwire.kernel import clock
        from workwire.reactions.webhooks import retention

        try:
            commands.plan(retention.KIND.lane)
            Job.objects.exclude(kind=retention.KIND.name).delete()
            while not over.is_set():
                over.wait(running.turn(retention.KIND.lane))
            left = Delivery.objects.filter(created_at__lt=clock.now() - OLD / 2)
            check(left.exists(), "everything old was removed before delivery had ended")
        except BaseException as failure:  # noqa: BLE001 - raised again where the thread is waited for
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield removed
    finally:
        over.set()
        thread.join()
    for failure in failures:
        raise failure
    removed[0] = before - Delivery.objects.count()
