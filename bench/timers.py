"""`timers`: ten thousand waiting work items due at one moment, and what messages to others wait meanwhile."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import filling
import rig
from figures import Figure, Given, check, percentile, say
from latency import trust
from offering import travel
from receiver import WELL, receiver

TICKETS, RATE = 20, 60.0  # those whose messages are timed, and messages a second
PATIENCE = 300.0  # seconds
LEAD = timedelta(seconds=4)  # until the moment


def measure(given: Given) -> list[Figure]:
    """Messages of some tickets alone, then while all the others are moved."""
    count, seconds = given.size(10_000, 1_000), given.size(60, 8)
    with receiver([WELL] * 4) as to, rig.installation(given.database):
        office = filling.office(TICKETS)
        trust(to, filling.subscribe_to_tickets(office, office.tickets, to.urls))
        filling.add_work_items(count)
        rig.vacuum()
        with rig.quiet_worker():
            alone = percentile(travel(to, office.tickets, RATE, seconds).waits, 0.99)
            say(f"  alone: p99 {alone * 1e3:.1f} ms")
            watch = Watch(_let_wait(count))
            watch.start()
            beside = percentile(travel(to, office.tickets, RATE, seconds).waits, 0.99)
            watch.join(PATIENCE)
            check(watch.took is not None, f"{_left()} of {count} are not moved")
            _check_moved(count)
    name = f"timers.{given.database}"
    return [
        Figure(f"{name}.all", watch.took or 0.0, "s"),
        Figure(f"{name}.alone", alone * 1e3, "ms"),
        Figure(f"{name}.beside", beside * 1e3, "ms"),
    ]


class Watch(threading.Thread):
    """Notes how long after the moment the last timer was gone."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(daemon=True)
        self._moment = moment
        self.took: float | None = None

    def run(self) -> None:
        """Look until nothing is left."""
        from django.db import connection

        from workwire.kernel import clock

        try:
            while _left():
                time.sleep(0.1)
            self.took = (clock.now() - self._moment).total_seconds()
        finally:
            connection.close()


def _let_wait(count: int) -> datetime:
    """Let the copies wait until a moment a few seconds ahead, all for the same; returns it."""
    from workwire.jobs import timers
    from workwire.kernel import clock
    from workwire.rooms.work.models import Status, WaitType, WorkItem

    moment = clock.now() + LEAD
    copies = WorkItem.objects.filter(pk__in=WorkItem.objects.order_by("-pk").values("pk")[:count])
    waiting = {"status": Status.WAITING, "wait_type": WaitType.DATE, "wait_until": moment, "waiting_since": clock.now()}
    copies.update(**waiting)
    made = timers.complete()
    check(made == count, f"{made} timers were set for {count} items")
    return moment


def _left() -> int:
    from workwire.jobs.models import Timer

    return Timer.objects.count()


def _check_moved(count: int) -> None:
    from workwire.rooms.work.models import Status, StatusReason, WorkItem

    moved = WorkItem.objects.filter(status=Status.TO_DO, status_reason=StatusReason.DATE_REACHED).count()
    check(moved == count, f"{moved} of {count} were moved")
