"""Timers: set and cleared by commands, claimed and carried out by workers.

Every kind has a handler, which is told the GUID of a record in a transaction that also ends the timer. A handler that raises
Conflict or NotFound says that somebody else has moved the record meanwhile. After any other failure the timer is tried again,
with growing pauses, and holds up no other.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import F, QuerySet

from workwire.jobs.models import Timer
from workwire.kernel.errors import Conflict, NotFound
from workwire.kernel.statements import is_away

logger = logging.getLogger(__name__)
CLAIMED = 50  # at a time
LEASE = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
SHARE_LEFT = 0.5  # times as long as a transaction took, until the next one begins
LONGEST_HOLD = 0.03  # seconds that one transaction goes on beginning more


@dataclass(frozen=True, slots=True)
class TimerKind:
    """What to do when a timer is due, and the timers that the records as they stand should have."""

    handle: Callable[[UUID, datetime], object]
    wanted: Callable[[], Iterable[tuple[UUID, datetime]]]


_kinds: dict[str, TimerKind] = {}


def register(
    kind: str, handle: Callable[[UUID, datetime], object], wanted: Callable[[], Iterable[tuple[UUID, datetime]]]
) -> None:
    """Register a kind of timer; raises ValueError for a name taken."""
    if kind in _kinds:
        raise ValueError(f"timer {kind} is registered twice")
    _kinds[kind] = TimerKind(handle, wanted)


def set_timer(kind: str, subject: UUID, at: datetime) -> None:
    """Move a record at a moment, instead of any moment set before; inside the transaction of the change."""
    Timer.objects.bulk_create(
        [Timer(kind=kind, subject=subject, due_at=at, ready_at=at)],
        update_conflicts=True,
        unique_fields=["kind", "subject"],
        update_fields=["due_at", "ready_at", "tries"],
    )


def clear_timer(kind: str, subject: UUID) -> None:
    """Move a record no more; inside the transaction of the change."""
    Timer.objects.filter(kind=kind, subject=subject).delete()


def complete() -> int:
    """Set the timers that are missing, because a process of an older release changed a record; returns how many."""
    made = 0
    for kind, registered in _kinds.items():
        there = Timer.objects.filter(kind=kind).values_list("subject", flat=True)
        known = set(there.iterator())
        wanted = ((guid, at) for guid, at in registered.wanted() if guid not in known)
        missing = [Timer(kind=kind, subject=guid, due_at=at, ready_at=at) for guid, at in wanted]
        made += len(Timer.objects.bulk_create(missing, batch_size=500, ignore_conflicts=True))
    return made


def turn(now: datetime) -> int:
    """Carry out a batch of what is due; returns how many timers that were.

    On PostgreSQL each has a transaction of its own. On the embedded database, whose writers take turns, a few share one, and
    half as much time as it took is left to others.
    """
    claimed = _claim(now)
    try:
        if connection.vendor == "postgresql":
            for timer in claimed:
                _carry_out_some([timer], now)
        else:
            left = claimed
            while left:
                begun = time.monotonic()
                left = left[_carry_out_some(left, now) :]
                time.sleep(SHARE_LEFT * (time.monotonic() - begun))
    except Exception:  # raised again; whatever was not carried out is due at once
        with contextlib.suppress(Error):
            Timer.objects.filter(pk__in=[one.pk for one in claimed], ready_at=now + LEASE).update(ready_at=now)
        raise
    return len(claimed)


@transaction.atomic
def _claim(now: datetime) -> list[Timer]:
    due = Timer.objects.select_for_update(skip_locked=True).filter(ready_at__lte=now).order_by("ready_at", "id")
    claimed = list(due[:CLAIMED])
    if claimed:
        Timer.objects.filter(pk__in=[timer.pk for timer in claimed]).update(ready_at=now + LEASE)
    return claimed


@transaction.atomic
def _carry_out_some(timers: Sequence[Timer], now: datetime) -> int:
    """Carry out the first timers, as many as fit into a short transaction; returns how many."""
    until = time.monotonic() + LONGEST_HOLD
    for number, timer in enumerate(timers, start=1):
        try:
            with transaction.atomic():
                _carry_out(timer, now)
        except (Conflict, NotFound):
            logger.info("%s: somebody else was quicker", timer)
            _claimed_row(timer).delete()
        except Exception as error:  # whatever it was, it holds up no other timer and does not come back at once
            if is_away(error):
                raise
            _put_off(timer, now, error)
        if time.monotonic() > until:
            return number
    return len(timers)


def _carry_out(timer: Timer, now: datetime) -> None:
    """End a timer and move its record; a timer that was set again or cleared meanwhile is left alone."""
    if _claimed_row(timer).delete()[0]:
        _kinds[timer.kind].handle(timer.subject, now)


def _put_off(timer: Timer, now: datetime, error: Exception) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(timer.tries, 10), LONGEST_PAUSE)
    logger.error("%s failed and is tried again in %s", timer, pause, exc_info=error)
    _claimed_row(timer).update(ready_at=now + pause, tries=F("tries") + 1)


def _claimed_row(timer: Timer) -> QuerySet[Timer]:
    """The timer, unless it was set to another moment since it was claimed."""
    return Timer.objects.filter(pk=timer.pk, due_at=timer.due_at)
