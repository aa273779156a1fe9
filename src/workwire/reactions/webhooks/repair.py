"""Trying out and putting right: simulate, resend, replay, backfill, explain (specification: webhooks, section 7).

Nothing here sends: deliveries are armed again and go the way of all others, through the check of rights.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox import wake
from workwire.outbox.models import Event
from workwire.outbox.registry import event_types, webhooks
from workwire.reactions.webhooks import commands, events, fanning, matching, messages, queries, queue, rights
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State, Subscription

MOST_AT_ONCE = 10_000
ENDED = (State.DELIVERED, State.WITHHELD, State.GAVE_UP)
FILTER = "filter"
NO_RECORD = "There is no event of this record that the owner may see."


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of sending: its code, whether it holds, and a sentence."""

    code: str
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether an event would be sent to a subscription, what decides, and the body it would carry."""

    would_be_sent: bool
    checks: list[Check]
    body: Any


@transaction.atomic
def simulate(guid: UUID, *, by: Actor) -> Delivery:
    """Queue a sample message of the subscription's webhook, marked as a test; it is tried once."""
    require(by, features.PROCESS_BUILDER)
    subscription = queries.subscription(guid, by=by)
    body = messages.sample(webhooks()[subscription.webhook])
    delivery = Delivery.objects.create(subscription=subscription, test_body=orjson.dumps(body).decode())
    queue.put_back([delivery.pk], Lane.TEST, clock.now(), is_replay=False)
    _note(subscription, by, reason="test", count=1)
    return delivery


@transaction.atomic
def resend(guid: UUID, *, by: Actor) -> Delivery:
    """Send one delivery again, now; raises Conflict while it is being sent, or when its subscription has ended."""
    require(by, features.PROCESS_BUILDER)
    seen = queries.delivery(guid, by=by)
    delivery = Delivery.objects.select_for_update(of=("self",)).select_related("subscription").get(pk=seen.pk)
    if delivery.subscription.ended_at is not None:
        raise Conflict("subscription_ended", "The subscription has ended; nothing can be sent to it.")
    if Queued.objects.filter(delivery=delivery, claimed_by__isnull=False).exists():
        raise Conflict("delivery_in_flight", "This delivery is being sent at this moment.")
    queue.put_back([delivery.pk], Lane.FRESH if delivery.event_id else Lane.TEST, clock.now())
    _note(delivery.subscription, by, reason="resend", count=1)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def replay(
    guid: UUID,
    *,
    by: Actor,
    since: datetime,
    until: datetime | None = None,
    states: Collection[State] = ENDED,
    record_guid: UUID | None = None,
) -> int:
    """Send the ended deliveries of a subscription again that were made in a range, filtered; returns how many."""
    require(by, features.PROCESS_BUILDER)
    subscription = queries.subscription(guid, by=by)
    if not set(states) <= set(ENDED):
        raise Invalid(
            "states_invalid", "Only what was delivered, withheld or given up can be replayed.", field="states"
        )
    chosen = Delivery.objects.filter(
        subscription=subscription, event__isnull=False, state__in=states, created_at__gte=since
    )
    if until is not None:
        chosen = chosen.filter(created_at__lt=until)
    if record_guid is not None:
        chosen = chosen.filter(record_guid=record_guid)
    ids = list(chosen.order_by("id").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    _check_amount(len(ids))
    if ids:
        queue.put_back(ids, Lane.BULK, clock.now())
        _note(subscription, by, reason="replay", count=len(ids))
    return len(ids)


@transaction.atomic
def backfill(guid: UUID, *, by: Actor, since: datetime) -> int:
    """Send the events of the ledger since a moment that match a subscription and were never prepared for it, under
    today's rights; returns how many."""
    require(by, features.PROCESS_BUILDER)
    subscription = queries.subscription(guid, by=by)
    wanted = queries.events_wanted(subscription, since).exclude(deliveries__subscription=subscription)
    found = list(wanted.filter(pending=None).values_list("pk", "record_guid")[: MOST_AT_ONCE + 1])
    _check_amount(len(found))
    now = clock.now()
    rows = queue.add([(subscription.pk, pk, record, Lane.BULK) for pk, record in found], now, is_replay=True)
    made = len(rows) - fanning.drop_unseen(rows, now)
    if made:
        _note(subscription, by, reason="backfill", count=made)
    return made


def explain(guid: UUID, *, by: Actor, record_guid: UUID | None = None, event_guid: UUID | None = None) -> Explanation:
    """Say whether an event (or the last one of a record) would be sent to a subscription, and what decides."""
    subscription = queries.subscription(guid, by=by)
    standing = rights.standing(Subscription.objects.select_related("owner")).get(pk=subscription.pk)
    checks = [
        Check(code, bool(getattr(standing, column)), rights.REASONS[code]) for column, code in rights.STANDING_CHECKS
    ]
    event = _event(subscription, record_guid, event_guid)
    if event is None:
        return Explanation(False, [*checks, Check(rights.RECORD_INVISIBLE, False, NO_RECORD)], None)
    matches = (subscription.webhook, subscription.filter_key) in matching.keys_of(event)
    checks = [
        Check(FILTER, matches, "The webhook and the filter of the subscription match the event."),
        *checks,
        Check(rights.RECORD_INVISIBLE, True, rights.REASONS[rights.RECORD_INVISIBLE]),
    ]
    body = messages.wrap(subscription.format, webhooks()[subscription.webhook], event.body)
    return Explanation(all(check.passed for check in checks), checks, orjson.loads(body))


def _event(subscription: Subscription, record_guid: UUID | None, event_guid: UUID | None) -> Event | None:
    """The event asked for, if the owner may see its record; an absent and an invisible one are not told apart."""
    if (record_guid is None) == (event_guid is None):
        raise Invalid("record_or_event", "Name either a record or an event.", field="record")
    of_record = Q(record_guid=record_guid) | Q(work_item_guid=record_guid)
    asked = Event.objects.filter(Q(guid=event_guid) if event_guid else of_record)
    fires = [name for name, body in event_types().items() if body.webhooks]
    sees_all = rights.owner_sees_all(subscription)
    visible = rights.record_visible(subscription.owner_id, sees_all, event="")
    found = list(asked.filter(visible, name__in=fires).order_by("-id")[:20])
    wanted = (subscription.webhook, subscription.filter_key)
    return next((event for event in found if wanted in matching.keys_of(event)), found[0] if found else None)


def _check_amount(count: int) -> None:
    if count > MOST_AT_ONCE:
        raise Invalid(
            "range_too_large",
            f"This is more than {MOST_AT_ONCE} messages; choose a smaller range.",
            field="since",
        )


def _note(subscription: Subscription, by: Actor, *, reason: str, count: int) -> None:
    commands.note(events.DeliveriesRepeated, subscription, by, Reason=reason, Count=count)
    wake.ring_on_commit()


def wait_for_end(delivery: Delivery, *, seconds: float) -> Delivery:
    """Wait until a delivery has ended or the time is over, and return it as it stands; holds no transaction open."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while True:
        delivery.refresh_from_db()
        if delivery.state in (*ENDED, State.CANCELLED) or time.monotonic() >= deadline:
            return delivery
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
