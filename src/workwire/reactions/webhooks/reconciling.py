"""Reconciling: what a receiver ought to have, computed from the ledger and not from what was sent.

A receiver proves with it that it missed nothing: there is a digest for each day, and the events of one record by sequence.
Both show the owner's view, by the rights as they are now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from workwire.access.sight import filter_objects
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.kernel.limits import ConcurrencyLimit
from workwire.outbox.models import Event
from workwire.reactions.webhooks import matching, queries, rights
from workwire.reactions.webhooks.log import SLACK
from workwire.reactions.webhooks.models import Delivery, State, Subscription

LONGEST_RANGE = timedelta(days=31)
MOST_OF_A_RECORD = 1_000
DIGESTS = ConcurrencyLimit(2, "digests")
CHUNK = 5_000  # rows held in memory at a time
# Of the subscription and of the ledger, compared without being asked for each day.
MOST_MESSAGES, MOST_EVENTS = 1_000, 50_000


@dataclass(frozen=True, slots=True)
class Digest:
    """The events of one day (UTC) that a subscription wants and its owner may see. `sha256` is over their EventIDs, as they
    are written in messages, sorted, each followed by a line feed."""

    day: date
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sent:
    """How the messages of one day's events (UTC) stand, as far as the log goes: how many there are in all, were delivered,
    wait, and ended without being delivered."""

    prepared: int
    delivered: int
    waiting: int
    lost: int


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a record: whether the subscription wants it, and where its delivery stands, None when there is none."""

    sequence: int
    event_guid: UUID
    name: str
    occurred_at: datetime
    wanted: bool
    delivery_guid: UUID | None
    state: State | None


def digests(
    guid: UUID, *, by: Actor, since: datetime | None = None, until: datetime | None = None, after: int = 0
) -> list[Digest]:
    """The digests of the days with events from `since` until before `until` (default: now), oldest first, only of events
    behind the position `after` where one is given. Without `since` from when the subscription was made, or from its position
    or `after` where there is one, at most 31 days ago.

    Raises Invalid for a range of more than 31 days, and for a `since` before the position of the subscription, where no
    `after` is given, for the first day would be cut short without a word. Raises Conflict when nothing may be sent to the
    subscription at present, and Forbidden for an application that may see less than the subscription may be sent.
    """
    subscription = queries.subscription(guid, by=by)
    rights.check_not_wider(subscription, by)
    now = clock.now()
    if since is not None and not after:
        _check_not_cut(subscription, since)
    after, until = max(after, subscription.starts_after), until or now
    since = since or (now - LONGEST_RANGE if after else max(subscription.created_at, now - LONGEST_RANGE))
    if not since <= until <= since + LONGEST_RANGE:
        raise Invalid("range_invalid", field="until", most=LONGEST_RANGE.days)
    refusal = rights.standing_refusals([subscription.pk], now)[subscription.pk]
    if refusal:
        raise Conflict(refusal)
    wanted = _seen_by_owner(subscription, Event.objects.filter(matching.condition(subscription)))
    wanted = wanted.filter(occurred_at__gte=since, occurred_at__lt=until, pk__gt=after)
    with DIGESTS.one_for(by.user_id):
        return list(_digests(wanted))


def sent_by_day(guid: UUID, *, by: Actor, since: datetime, until: datetime) -> dict[date, Sent]:
    """How the messages of the events from `since` until before `until` stand, day by day; days without any are left out."""
    subscription = queries.subscription(guid, by=by)
    rights.check_not_wider(subscription, by)
    first = queries.first_written(since - SLACK)
    if first is None:
        return {}
    mine = Delivery.objects.filter(
        subscription=subscription, pk__gte=first, event__occurred_at__gte=since, event__occurred_at__lt=until
    )
    days = mine.values(day=TruncDate("event__occurred_at", tzinfo=UTC)).order_by("day")
    counts = days.annotate(
        prepared=Count("pk"),
        delivered=Count("pk", filter=Q(state=State.DELIVERED)),
        waiting=Count("pk", filter=Q(state=State.DUE)),
        lost=Count("pk", filter=Q(state__in=(State.WITHHELD, State.GAVE_UP))),
    )
    with DIGESTS.one_for(by.user_id):
        return {
            one["day"]: Sent(one["prepared"], one["delivered"], one["waiting"], one["lost"])
            for one in counts.iterator()
        }


def compared_from(guid: UUID, *, by: Actor, since: datetime) -> datetime:
    """The midnight (UTC), or `since`, from which on the days until now are compared at once: as many as have at most
    `MOST_MESSAGES` of a subscription and `MOST_EVENTS` of the ledger. Two looks along indexes, however long both are."""
    subscription = queries.subscription(guid, by=by)
    rights.check_not_wider(subscription, by)
    newest = Delivery.objects.filter(subscription=subscription).order_by("-pk").values_list("created_at", flat=True)
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    earlier = Event.objects.filter(pk__lte=last - MOST_EVENTS).order_by("-pk").values_list("occurred_at", flat=True)
    left_out = max([*newest[MOST_MESSAGES : MOST_MESSAGES + 1], *earlier[:1]], default=None)
    if left_out is None or left_out < since:
        return since
    return datetime.combine(left_out.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def _check_not_cut(subscription: Subscription, since: datetime) -> None:
    """Raise Invalid for a moment before the position behind which the subscription begins."""
    left_out = (
        Event.objects.filter(pk__lte=subscription.starts_after).order_by("-pk").values_list("occurred_at", flat=True)
    )
    last = left_out.first() if subscription.starts_after else None
    if last is not None and since <= last:
        raise Invalid("since_before_position", field="since", moment=clock.rfc3339(last))


def of_record(guid: UUID, record_guid: UUID, *, by: Actor, first: int = 1, last: int | None = None) -> list[Told]:
    """The events of a record from sequence `first` to `last`, at most a thousand, as a subscription knows them; empty for a
    record that is not there or that the owner, or whoever asks, may not see."""
    subscription = queries.subscription(guid, by=by)
    asked = Event.objects.filter(record_guid=record_guid, sequence__gte=first)
    if last is not None:
        asked = asked.filter(sequence__lte=last)
    asked = asked.filter(rights.seen_by(by, event=""))  # an application may do less than the owner
    found = list(_seen_by_owner(subscription, asked).order_by("sequence")[:MOST_OF_A_RECORD])
    made = Delivery.objects.filter(subscription=subscription, event__in=found).select_related("queued")
    deliveries = {delivery.event_id: delivery for delivery in made}
    wish = (subscription.webhook, subscription.filter_key)
    return [_told(event, deliveries.get(event.pk), wanted=wish in matching.keys_of(event)) for event in found]


def _seen_by_owner(subscription: Subscription, found: QuerySet[Event]) -> QuerySet[Event]:
    found = found.filter(record_type__in=[record for kind in filter_objects() for record in kind.records])
    return found.filter(rights.seen_by_owner(subscription))


def _digests(found: QuerySet[Event]) -> Iterator[Digest]:
    days = found.annotate(day=TruncDate("occurred_at", tzinfo=UTC)).order_by("day", "guid")
    rows = days.values_list("day", "guid").iterator(CHUNK)
    for day, of_day in groupby(rows, key=lambda row: row[0]):
        count, digest = 0, hashlib.sha256()
        for _, event in of_day:
            count += 1
            digest.update(f"{event}\n".encode())
        yield Digest(day, count, digest.hexdigest())


def _told(event: Event, delivery: Delivery | None, *, wanted: bool) -> Told:
    return Told(
        sequence=event.sequence,
        event_guid=event.guid,
        name=event.name,
        occurred_at=event.occurred_at,
        wanted=wanted,
        delivery_guid=delivery.guid if delivery else None,
        state=queries.standing(delivery) if delivery else None,
    )
