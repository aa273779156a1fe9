"""Feeds: the events that wait for one listener, and the one way in which all of them are read.

A feed is a table in which an event has a row until its listener has handled it. A batch is claimed by what is there, never by
an increasing number: events commit in another order than they are numbered. It is handled and its rows are removed in one
transaction, so a crash at any moment leaves either both or nothing. Should a batch fail, it is halved until the event that
is wrong is found; that one is put aside for a while and stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.db import transaction

from workwire.kernel import bisect, logs
from workwire.kernel.statements import is_away
from workwire.outbox.models import Event

logger = logging.getLogger(__name__)
R = TypeVar("R")
SHORTEST_ASIDE, LONGEST_ASIDE = timedelta(minutes=1), timedelta(hours=1)
MOST_ASIDE = 100  # in one transaction
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How many events wait in a feed and how many of them are put aside, each counted up to `MOST_COUNTED`; and the age in
    seconds of the oldest that could be handled now, 0 when there is none."""

    waiting: int
    aside: int
    lag: float


def lag(oldest: datetime | None, now: datetime) -> float:
    """The age in seconds of the oldest event that waits, 0 when there is none."""
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


class Feed(Protocol[R]):
    """What reading needs of a feed; `R` is a row of it."""

    @property
    def name(self) -> str:
        """The name of the listener."""

    def next(self, now: datetime) -> Sequence[R]:
        """Claim the rows whose turn it is, in the order of the ledger, until the end of the transaction."""

    def handle(self, rows: Sequence[R], now: datetime) -> int:
        """Handle the first of some claimed rows, as many as fit into a batch, and remove them; returns how many."""

    def event_of(self, row: R) -> int:
        """The number of the row's event."""

    def held_up_with(self, row: R) -> UUID | None:
        """The record whose later events wait while this row is put aside; None where none waits."""

    def put_aside(self, row: R, until: datetime) -> None:
        """Pass a row by until a moment."""

    def standing(self, now: datetime) -> Standing:
        """How the feed is, at bounded cost."""


_tables_of_their_own: list[Feed[Any]] = []


def register(feed: Feed[Any]) -> None:
    """Name a feed that has a table of its own; all others are in one (see `listener_feed`)."""
    _tables_of_their_own.append(feed)


def with_tables_of_their_own() -> list[Feed[Any]]:
    """The feeds that were named."""
    return list(_tables_of_their_own)


def turn(feed: Feed[R], now: datetime) -> int:
    """Handle a batch of a feed; returns how many events that were."""
    try:
        return _read(feed, feed.handle, now)
    except Exception as error:  # one of the batch is wrong: halved until it is found
        if is_away(error):
            raise
        return _read(feed, _Halving(feed, now).handle, now)


@transaction.atomic
def _read(feed: Feed[R], handle: Callable[[Sequence[R], datetime], int], now: datetime) -> int:
    rows = feed.next(now)
    return handle(rows, now) if rows else 0


class _Halving(Generic[R]):
    """Handles a batch in which something is wrong."""

    def __init__(self, feed: Feed[R], now: datetime) -> None:
        self._feed, self._now = feed, now
        self._is_full, self._aside = False, 0
        self._held_up: set[UUID] = set()

    def handle(self, rows: Sequence[R], _now: datetime) -> int:
        """Handle what can be handled, and put aside what cannot; returns how many were handled."""
        return bisect.each(self._handle_some, rows, self._put_aside)

    @transaction.atomic
    def _handle_some(self, rows: Sequence[R]) -> int:
        if self._is_full:  # none may pass one of its record that did not fit
            return 0
        some = [row for row in rows if self._feed.held_up_with(row) not in self._held_up]
        done = self._feed.handle(some, self._now) if some else 0
        self._is_full = done < len(some)
        return done

    def _put_aside(self, row: R, error: Exception) -> None:
        self._aside += 1
        self._is_full = self._aside >= MOST_ASIDE  # where all are wrong, the transaction and the log have a bound
        event, record = self._feed.event_of(row), self._feed.held_up_with(row)
        guid, pause = _guid_and_pause(event, self._now)
        until = self._now + pause
        message = "%s cannot handle event %d, which is put aside until %s"
        logger.error(message, self._feed.name, event, until, exc_info=error, extra=logs.of(event=guid))
        self._feed.put_aside(row, until)
        if record is not None:
            self._held_up.add(record)


def _guid_and_pause(event: int, now: datetime) -> tuple[UUID, timedelta]:
    """The GUID of an event, and how long to put it aside: as long as it has waited so far, within bounds."""
    guid, occurred_at = Event.objects.values_list("guid", "occurred_at").get(pk=event)
    return guid, min(max(now - occurred_at, SHORTEST_ASIDE), LONGEST_ASIDE)
