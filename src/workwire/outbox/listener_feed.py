"""The feeds of all registered listeners, in one table (`FeedEntry`), and how listeners come and go.

Several workers share a feed. The lock on a row is the claim: a worker that dies lets go of it, and no lease has to run out.
For a listener in order, the lock on the first row of a record is the claim on all of the record's rows.

A listener that is new begins with what is recorded from then on, or, where it wants the whole ledger, with that: nothing is
handled for it before it is complete. What waits for a listener that no worker has known for a week is dropped. A worker of an
older release that does not know a listener changes nothing for it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery

from workwire.outbox import feeds, ledger
from workwire.outbox.feeds import MOST_COUNTED, Feed, Standing, lag
from workwire.outbox.listeners import Listener, listeners
from workwire.outbox.models import Event, FeedEntry, FeedState

logger = logging.getLogger(__name__)
BACKFILLED = 1_000  # events looked at in one transaction
KEPT = timedelta(days=7)


class ListenerFeed:
    """What waits for one registered listener; see `feeds.Feed`."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.name = listener, listener.name
        self._ahead: tuple[list[FeedEntry], Any] | None = None

    def look_ahead(self, now: datetime) -> None:
        """Find what is to be written of the next batch before the transaction that claims it: the embedded database lets
        others write meanwhile, and has no other reader of this feed."""
        with contextlib.suppress(Exception):  # what fails here fails again when it is handled, where it is put aside
            rows = self.next(now)
            self._ahead = rows, self._find(rows, now)

    def next(self, now: datetime) -> list[FeedEntry]:
        """Claim the entries whose turn it is; those that another worker has claimed are passed over."""
        if self._ahead is not None and self._is_there(self._ahead[0]):
            return self._ahead[0]
        claimed = self._ready(now).select_for_update(skip_locked=True).order_by("event_id")[: self.listener.batch]
        if not self.listener.in_order:
            return list(claimed)
        records = [first.record_guid for first in claimed]
        theirs = self._all().filter(record_guid__in=records) if records else FeedEntry.objects.none()
        return list(theirs.order_by("event_id")[: self.listener.batch])

    def handle(self, rows: Sequence[FeedEntry], now: datetime) -> int:
        """Tell the listener, and remove the entries."""
        ahead, found = self._ahead or (None, None)
        self.listener.handle(found if rows is ahead else self._find(rows, now), now)
        FeedEntry.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows)

    def event_of(self, row: FeedEntry) -> int:
        """The number of the event."""
        return row.event_id

    def held_up_with(self, row: FeedEntry) -> UUID | None:
        """The record, for a listener in order."""
        return row.record_guid if self.listener.in_order else None

    def put_aside(self, row: FeedEntry, until: datetime) -> None:
        """Pass an entry by until a moment."""
        FeedEntry.objects.filter(pk=row.pk).update(aside_until=until)

    def standing(self, now: datetime) -> Standing:
        """How the feed is; one query."""
        first = self._ready(now).order_by("event_id").values("event__occurred_at")[:1]
        some = self._all().order_by()[:MOST_COUNTED]
        found = some.aggregate(waiting=Count("pk"), aside=Count("aside_until"), oldest=Min(Subquery(first)))
        return Standing(found["waiting"], found["aside"], lag(found["oldest"], now))

    def is_empty(self, now: datetime) -> bool:
        """Whether there is nothing to claim; looked at without a lock, so that an idle worker is in nobody's way."""
        return not self._ready(now).exists()

    def _is_there(self, rows: Sequence[FeedEntry]) -> bool:
        return FeedEntry.objects.filter(pk__in=[row.pk for row in rows]).count() == len(rows)

    def _find(self, rows: Sequence[FeedEntry], now: datetime) -> Any:
        told = Event.objects.filter(pk__in=[row.event_id for row in rows])
        return self.listener.find(list(told.select_related("actor").order_by("pk")), now)

    def _all(self) -> QuerySet[FeedEntry]:
        return FeedEntry.objects.filter(listener=self.name)

    def _ready(self, now: datetime) -> QuerySet[FeedEntry]:
        """What is not put aside and, for a listener in order, is the first of its record."""
        ready = self._all().filter(Q(aside_until=None) | Q(aside_until__lte=now))
        if not self.listener.in_order:
            return ready
        earlier = self._all().filter(record_guid=OuterRef("record_guid"), event_id__lt=OuterRef("event_id"))
        return ready.filter(~Exists(earlier))


def every() -> list[Feed[Any]]:
    """All feeds, those with tables of their own first."""
    return [*feeds.with_tables_of_their_own(), *(ListenerFeed(listener) for listener in listeners())]


def turn(listener: Listener, now: datetime) -> int:
    """Do a piece of work for a listener; returns of how many events: of the ledger, while that is looked through for one that
    is new, else of its feed."""
    if looked_at := _backfill(listener):
        return looked_at
    feed = ListenerFeed(listener)
    if feed.is_empty(now):
        return 0
    if connection.vendor != "postgresql":
        feed.look_ahead(now)
    return feeds.turn(feed, now)


def turn_all(now: datetime) -> int:
    """The same for every listener, one after the other."""
    return sum(turn(listener, now) for listener in listeners())


def _backfill(listener: Listener) -> int:
    """Put a piece of the ledger into the feed of a listener that wants all of it; returns how many events were looked at, 0
    when all were. Notes a listener that is new."""
    state = FeedState.objects.filter(listener=listener.name).first()
    if state is None:
        state = _note_new(listener)
    if state.backfilled_to is None or state.backfilled_to >= state.starts_after:
        return 0
    with transaction.atomic():
        state = FeedState.objects.select_for_update().get(pk=state.pk)
        behind, until = state.backfilled_to or 0, state.starts_after
        found = list(Event.objects.filter(pk__gt=behind, pk__lte=until).order_by("pk")[:BACKFILLED])
        told = [
            FeedEntry(listener=listener.name, event=event, record_guid=event.record_guid)
            for event in found
            if listener.asks_for(event)
        ]
        FeedEntry.objects.bulk_create(told, ignore_conflicts=True)
        state.backfilled_to = found[-1].pk if len(found) == BACKFILLED else until
        state.save(update_fields=["backfilled_to"])
    return max(1, len(found))


def _note_new(listener: Listener) -> FeedState:
    """Every event up to the position is in the ledger, and every later one has its row in the feed."""
    starts_after = ledger.position()
    backfilled_to = 0 if listener.from_the_beginning else None
    told = {"starts_after": starts_after, "backfilled_to": backfilled_to}
    state, is_new = FeedState.objects.get_or_create(listener=listener.name, defaults=told)
    if is_new:
        logger.info("listener %s is new and is told what happens from position %d on", listener.name, starts_after)
    return state


def forget_removed(now: datetime, most: int) -> int:
    """Drop some of what waits for listeners that no worker has known for a week, at most so many entries; returns how many."""
    here = [listener.name for listener in listeners()]
    FeedState.objects.filter(listener__in=here).update(known_at=now)
    strangers = FeedEntry.objects.exclude(listener__in=here).order_by().values_list("listener", flat=True).distinct()
    for name in strangers:
        FeedState.objects.get_or_create(listener=name, defaults={"starts_after": 0, "known_at": now})
    dropped = 0
    for state in FeedState.objects.exclude(listener__in=here).filter(known_at__lt=now - KEPT):
        theirs = FeedEntry.objects.filter(listener=state.listener)
        dropped += theirs.filter(pk__in=list(theirs.values_list("pk", flat=True)[: most - dropped])).delete()[0]
        if dropped == most:
            break
        state.delete()
        logger.warning("listener %s is gone; what waited for it was dropped", state.listener)
    return dropped
