"""Timers: set and cleared by commands, claimed and carried out by workers.

Several timers of a kind share one short transaction: it locks their records, moves one after the other and ends the timers.
When one of them fails, the transaction is undone and each has one of its own. A kind that raises Conflict or NotFound says
that somebody else has moved the record meanwhile. After any other failure the timer is tried again, with growing pauses, and
holds up no other.

Records are locked before timers, as commands do. A record that somebody else holds is not waited for together with others:
whoever waits for a lock must hold none.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import F, QuerySet

from workwire.jobs.models import Timer
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Conflict, NotFound
from workwire.kernel.statements import carried_out, is_away
from workwire.outbox import wake

logger = logging.getLogger(__name__)
CLAIMED = 48  # at a time
LEASE = timedelta(minutes=2)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
LONGEST_LEFT = 1.0  # seconds at most that are left to others after a transaction
_SET_TOGETHER = 500  # in one statement
_ONE = "(%s, %s, %s, %s, 0)"
_SET = (
    "INSERT INTO jobs_timer (kind, subject, due_at, ready_at, tries) VALUES {rows}"
    " ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at, ready_at = excluded.ready_at, tries = 0"
)
_CLEAR = "DELETE FROM jobs_timer WHERE kind = %s AND subject = %s"


@dataclass(frozen=True, slots=True)
class Pace:
    """How much room timers leave to others: how many share a transaction at most, for how many seconds it goes on beginning
    more, and how long the next one waits, in times as long as this one was open."""

    together: int
    longest_hold: float
    pause: float


EMBEDDED = Pace(together=4, longest_hold=0.01, pause=2.5)  # all writers take turns
SERVER = Pace(together=24, longest_hold=0.1, pause=0.1)  # only the processor is shared


@dataclass(frozen=True, slots=True)
class TimerKind:
    """What to do when timers are due, and the timers that the records as they stand should have.

    `lock` locks the records of some GUIDs until the transaction ends, and gives them by GUID: without `wait` only those that
    nobody else holds. `move` moves one of them.
    """

    lock: Callable[[Sequence[UUID], bool], Mapping[UUID, Any]]
    move: Callable[[Any, datetime], object]
    wanted: Callable[[], Iterable[tuple[UUID, datetime]]]


_kinds: dict[str, TimerKind] = {}


def register(kind: str, does: TimerKind) -> None:
    """Register a kind of timer; raises ValueError for a name taken."""
    if kind in _kinds:
        raise ValueError(f"timer {kind} is registered twice")
    _kinds[kind] = does


def set_timer(kind: str, subject: UUID, at: datetime) -> None:
    """Move a record at a moment, instead of any moment set before; inside the transaction of the change."""
    set_timers(kind, [subject], at)


def set_timers(kind: str, subjects: Iterable[UUID], at: datetime) -> None:
    """The same for several records, by one statement for some hundreds."""
    moment = _prepared("due_at", at)
    rows = [(kind, _prepared("subject", subject), moment, moment) for subject in dict.fromkeys(subjects)]
    for first in range(0, len(rows), _SET_TOGETHER):
        some = rows[first : first + _SET_TOGETHER]
        with carried_out(_SET.format(rows=", ".join([_ONE] * len(some))), [value for row in some for value in row]):
            pass


def clear_timer(kind: str, subject: UUID) -> None:
    """Move a record no more; inside the transaction of the change."""
    with carried_out(_CLEAR, [kind, _prepared("subject", subject)]):
        pass


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

    Some time is left to others after each transaction.
    """
    with wake.gathered():  # many short transactions need not be told of one by one
        return _carry_out_claimed(_claim(now), now)


def _carry_out_claimed(claimed: list[Timer], now: datetime) -> int:
    alone: list[Timer] = []
    try:
        for _, of_kind in groupby(claimed, key=attrgetter("kind")):
            left = list(of_kind)
            while left:
                begun, held = _carry_out_some(left[: _pace().together], now)
                left, alone = left[begun:], alone + held
        for timer in alone:
            _carry_out_alone(timer, now)
    except Exception:  # raised again; whatever was not carried out is due at once
        with contextlib.suppress(Error):
            _as_claimed(claimed, now).update(ready_at=now)
        raise
    return len(claimed)


@transaction.atomic
def _claim(now: datetime) -> list[Timer]:
    due = Timer.objects.select_for_update(skip_locked=True).filter(ready_at__lte=now).order_by("ready_at", "id")
    claimed = list(due[:CLAIMED])
    if claimed:
        Timer.objects.filter(pk__in=[timer.pk for timer in claimed]).update(ready_at=now + LEASE)
    return sorted(claimed, key=attrgetter("kind"))


def _pace() -> Pace:
    return SERVER if connection.vendor == "postgresql" else EMBEDDED


@contextlib.contextmanager
def _short_transaction() -> Iterator[None]:
    """A transaction, and after it some time that is left to others; how long it waited for its beginning does not count."""
    begun = None
    try:
        with transaction.atomic():
            begun = time.monotonic()
            yield
    finally:
        if begun is not None:
            time.sleep(min(LONGEST_LEFT, _pace().pause * (time.monotonic() - begun)))


def _carry_out_some(timers: Sequence[Timer], now: datetime) -> tuple[int, list[Timer]]:
    """Carry out the first of some timers of a kind, as many as fit into a short transaction; returns how many were begun with,
    and those among them that are left to a transaction of their own."""
    try:
        return _carry_out(timers, now)
    except Exception as error:
        if is_away(error):
            raise
        return len(timers), list(timers)  # one of them failed: which one shows when each is carried out alone


@_short_transaction()
def _carry_out(timers: Sequence[Timer], now: datetime) -> tuple[int, list[Timer]]:
    """Move records and end their timers; how many were begun with, and those among them whose records others hold.

    A timer that was set again or cleared since it was claimed is left alone.
    """
    kind, alone = _kinds[timers[0].kind], len(timers) == 1
    until = time.monotonic() + _pace().longest_hold
    records = kind.lock([timer.subject for timer in timers], alone)
    numbers = [timer.pk for timer in timers]
    as_claimed = {pk for (pk,) in _NUMBERS.rows(SYSTEM, ids=numbers, until=now + LEASE)}
    ended: list[Timer] = []
    held: list[Timer] = []
    begun = 0
    for timer in timers:
        begun += 1
        if timer.pk not in as_claimed:
            continue
        if timer.subject in records:
            kind.move(records[timer.subject], now)
            ended.append(timer)
        elif alone:
            logger.info("%s: its record is gone", timer)
            ended.append(timer)
        else:
            held.append(timer)
        if time.monotonic() > until:
            break
    _as_claimed(ended, now).delete()  # what was set again by its move stays
    return begun, held


def _carry_out_alone(timer: Timer, now: datetime) -> None:
    """Carry out one timer in a transaction of its own; whatever fails, holds up no other."""
    try:
        _carry_out([timer], now)
    except (Conflict, NotFound):
        logger.info("%s: somebody else was quicker", timer)
        _as_claimed([timer], now).delete()
    except Exception as error:
        if is_away(error):
            raise
        _put_off(timer, now, error)  # it does not come back at once


def _put_off(timer: Timer, now: datetime, error: Exception) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(timer.tries, 10), LONGEST_PAUSE)
    logger.error("%s failed and is tried again in %s", timer, pause, exc_info=error)
    _as_claimed([timer], now).update(ready_at=now + pause, tries=F("tries") + 1)


def _as_claimed(timers: Sequence[Timer], now: datetime) -> QuerySet[Timer]:
    """Those of some timers that were neither set again nor cleared nor claimed by others since they were claimed."""
    return _still_claimed([timer.pk for timer in timers], now + LEASE)


def _still_claimed(ids: Sequence[int], until: datetime) -> QuerySet[Timer]:
    return Timer.objects.filter(pk__in=ids, ready_at=until)


def _numbers(_by: Actor, *, ids: list[int], until: datetime) -> QuerySet[Timer, Any]:
    return _still_claimed(ids, until).values_list("pk")


_NUMBERS = ComposedQuery(_numbers)


def _prepared(column: str, value: UUID | datetime) -> Any:
    """A value as the database's driver takes it."""
    field: Any = Timer._meta.get_field(column)
    return field.get_db_prep_value(value, connection)
