"""The ranges of replays: what lies in one, and how much that would send, counted before it is started."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import matching, queries, rights
from workwire.reactions.webhooks.log import SLACK
from workwire.reactions.webhooks.models import Delivery, Replay, ReplayKind, State, Subscription

ENDED = (State.DELIVERED, State.WITHHELD, State.GAVE_UP)
NOT_KNOWN = -1  # the end of a backfill that has not begun
MOST_COUNTED = 10_000  # messages counted before a replay is started
LOOKED_AT = 200_000  # events of the ledger looked at to count a backfill


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many messages a replay would send at most; there may be more when it is not all."""

    count: int
    is_all: bool


def count_replay(
    guid: UUID,
    *,
    by: Actor,
    since: datetime,
    until: datetime | None = None,
    states: Collection[State] = ENDED,
    record_guid: UUID | None = None,
) -> Estimate:
    """Count what `replay` would send, as far as `MOST_COUNTED`. Which of it the owner may still see shows when it is sent."""
    wanted = deliveries(of_deliveries(queries.subscription(guid, by=by), since, until, states, record_guid))
    return _estimate(wanted)


def count_backfill(guid: UUID, *, by: Actor, since: datetime | None = None, after: int | None = None) -> Estimate:
    """Count what `backfill` would send, as far as `MOST_COUNTED` and among the first `LOOKED_AT` events of the range."""
    check_beginning(since, after)
    wanted = of_ledger(queries.subscription(guid, by=by), since, after)
    last = last_event()
    until = min(last, wanted.first + LOOKED_AT)
    prepared = Delivery.objects.filter(event=OuterRef("pk"), subscription=wanted.subscription)
    found = events(wanted, until).filter(~Exists(prepared))
    if wanted.subscription.filter_type == ObjectType.NONE:
        found = found.filter(rights.seen_by_owner(wanted.subscription))
    counted = _estimate(found)
    return replace(counted, is_all=counted.is_all and until == last)


def of_deliveries(
    subscription: Subscription,
    since: datetime,
    until: datetime | None,
    states: Collection[State],
    record_guid: UUID | None,
) -> Replay:
    """A replay that has not begun."""
    if not states or not set(states) <= set(ENDED):
        raise Invalid("states_invalid", field="states")
    last = Delivery.objects.filter(subscription=subscription).aggregate(last=Max("pk"))["last"] or 0
    first = min((queries.first_written(since - SLACK) or last + 1) - 1, last)
    return Replay(
        subscription=subscription,
        kind=ReplayKind.REPLAY,
        since=since,
        until=until,
        states=sorted(states),
        record_guid=record_guid,
        first=first,
        position=first,
        last=last,
    )


def of_ledger(subscription: Subscription, since: datetime | None, after: int | None) -> Replay:
    """A backfill that has not begun."""
    if after is None and since is not None:
        begun = Event.objects.filter(occurred_at__gte=since - SLACK).order_by("occurred_at", "pk")
        found = begun.values_list("pk", flat=True).first()
        after = found - 1 if found is not None else last_event()
    first = after or 0
    return Replay(
        subscription=subscription, kind=ReplayKind.BACKFILL, since=since, first=first, position=first, last=NOT_KNOWN
    )


def deliveries(of: Replay) -> QuerySet[Delivery]:
    """The deliveries that a replay has still to send."""
    wanted = Delivery.objects.filter(
        queries.stand_in([State(state) for state in of.states]),
        subscription=of.subscription,
        event__isnull=False,
        created_at__gte=of.since,
        pk__gt=of.position,
        pk__lte=of.last,
    )
    if of.until is not None:
        wanted = wanted.filter(created_at__lt=of.until)
    return wanted.filter(record_guid=of.record_guid) if of.record_guid is not None else wanted


def events(of: Replay, until: int) -> QuerySet[Event]:
    """The events up to a place that a backfill has still to look at."""
    wanted = Event.objects.filter(matching.condition(of.subscription), pk__gt=of.position, pk__lte=until, pending=None)
    return wanted.filter(occurred_at__gte=of.since) if of.since is not None else wanted


def check_beginning(since: datetime | None, after: int | None) -> None:
    """Raise Invalid unless a backfill begins either at a moment or behind a position."""
    if (since is None) == (after is None):
        raise Invalid("since_or_after", field="since")


def last_event() -> int:
    """The end of the ledger as it is now."""
    return Event.objects.aggregate(last=Max("pk"))["last"] or 0


def _estimate(wanted: QuerySet[Any]) -> Estimate:
    count = wanted.order_by()[: MOST_COUNTED + 1].count()
    return Estimate(min(count, MOST_COUNTED), count <= MOST_COUNTED)
