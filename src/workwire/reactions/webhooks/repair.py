"""Trying out and putting right: simulate, resend, explain (specification: webhooks, section 7).

Nothing here sends: deliveries are armed again and go the way of all others, through the check of rights.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from workwire.access import features, run_time_settings
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, Limited, not_found
from workwire.kernel.limits import ConcurrencyLimit
from workwire.kernel.wording import Statement, Value, statement
from workwire.outbox import wake
from workwire.outbox.models import Event
from workwire.outbox.registry import event_types, webhooks
from workwire.reactions.webhooks import events, matching, messages, queries, queue, rights
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State, Subscription

TESTS_AGAIN = 5  # seconds
GRACE = 3.0  # seconds beyond the limit of an attempt, for a worker to pick a test up and settle it
_TESTS = ConcurrencyLimit(2, "tests")
ENDED = (State.DELIVERED, State.WITHHELD, State.GAVE_UP)
FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of sending: its code, whether it holds, and a statement of what is the case."""

    code: str
    passed: bool
    said: Statement

    @property
    def parameters(self) -> Mapping[str, Value]:
        """The parameters of the statement."""
        return self.said.parameters

    @property
    def sentence(self) -> str:
        """The statement in the language of the present reader."""
        return self.said.sentence()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether an event would be sent to a subscription, what decides, and the body it would carry; no event where there is
    none to be seen."""

    would_be_sent: bool
    checks: list[Check]
    body: Any
    event: Event | None = None


def try_out(guid: UUID, *, by: Actor, event_guid: UUID | None = None) -> Delivery:
    """Send a test as `simulate` does and wait for what becomes of it; of few of an account at a time, else raises Limited."""
    with _TESTS.one_for(by.user_id):
        delivery = simulate(guid, by=by, event_guid=event_guid)
        return wait_for_end(delivery, seconds=settings.CONFIG.webhook_timeout + GRACE)


@transaction.atomic
def simulate(guid: UUID, *, by: Actor, event_guid: UUID | None = None) -> Delivery:
    """Queue a test message: what an event told, or a sample of the subscription's webhook; it is tried once.

    What an event told goes out only where its message would: raises NotFound for an event that the owner or the actor may
    not see, and Conflict where `explain` finds that it would not be sent. The rights are checked again before it goes.
    """
    subscription = queries.subscription(guid, by=by)
    _check_tests(subscription)
    event = _event_to_test(guid, event_guid, by) if event_guid is not None else None
    delivery = Delivery.objects.create(
        subscription=subscription,
        tested_event=event,
        record_guid=event.record_guid if event is not None else None,
        test_body=messages.test_body(event) if event is not None else messages.sample_body(subscription.webhook),
    )
    queue.put_back([delivery.pk], Lane.TEST, clock.now(), is_replay=False)
    events.note(events.MessageSimulated, subscription, by)
    wake.ring_on_commit()
    return delivery


@transaction.atomic
def resend(guid: UUID, *, by: Actor) -> Delivery:
    """Send one delivery again, now; raises Conflict while it is being sent, or when its subscription has ended, and Limited
    like `simulate` for a test."""
    require(by, features.WEBHOOKS)
    seen = queries.delivery(guid, by=by)
    mine = Delivery.objects.select_for_update(of=("self",)).select_related("subscription")
    delivery = mine.filter(pk=seen.pk).first()
    if delivery is None:  # removed by retention in this moment
        raise not_found("delivery")
    if delivery.subscription.ended_at is not None:
        raise Conflict("subscription_ended")
    if Queued.objects.filter(delivery=delivery, claimed_by__isnull=False).exists():
        raise Conflict("delivery_in_flight")
    is_test = delivery.event_id is None
    if is_test:
        _check_tests(delivery.subscription)
    queue.put_back([delivery.pk], Lane.TEST if is_test else Lane.FRESH, clock.now())
    events.note(events.DeliveriesRepeated, delivery.subscription, by, Reason="resend", Count=1)
    wake.ring_on_commit()
    delivery.refresh_from_db()
    return delivery


def explain(guid: UUID, *, by: Actor, record_guid: UUID | None = None, event_guid: UUID | None = None) -> Explanation:
    """Say whether an event (or the last one of a record) would be sent to a subscription, and what decides."""
    subscription = queries.subscription(guid, by=by)
    standing = rights.standing(Subscription.objects.select_related("owner")).get(pk=subscription.pk)
    checks = [_check(code, bool(getattr(standing, column))) for column, code in rights.STANDING_CHECKS]
    event = _event(subscription, record_guid, event_guid, by)
    if event is None:
        return Explanation(
            False, [*checks, Check(rights.RECORD_INVISIBLE, False, statement("record_not_visible.no_event"))], None
        )
    matches = (subscription.webhook, subscription.filter_key) in matching.keys_of(event)
    checks = [
        Check(FILTER, matches, statement("filter.passed" if matches else "filter")),
        *checks,
        _check(rights.RECORD_INVISIBLE, True),
    ]
    body = messages.wrap(subscription.format, webhooks()[subscription.webhook], event.body)
    return Explanation(all(check.passed for check in checks), checks, orjson.loads(body), event)


def delivery_of(event: Event, to: UUID, *, by: Actor) -> Delivery | None:
    """The delivery of an event to a subscription, if it was prepared and may be seen."""
    return queries.deliveries_visible_to(by).filter(subscription__guid=to, event=event).first()


def last_message_before(event: Event, to: UUID, *, by: Actor) -> Delivery | None:
    """The last delivered message to a subscription about the record of an event that tells of an earlier one."""
    seen = queries.deliveries_visible_to(by).filter(queries.content_visible(by), subscription__guid=to)
    earlier = seen.filter(record_guid=event.record_guid, event__lt=event.pk, state=State.DELIVERED)
    return earlier.order_by("-event").first()


def _event_to_test(guid: UUID, event_guid: UUID, by: Actor) -> Event:
    told = explain(guid, by=by, event_guid=event_guid)
    if told.event is None:
        raise not_found("event")
    if not told.would_be_sent:
        raise Conflict("would_not_be_sent")
    return told.event


def _check(code: str, passed: bool) -> Check:
    return Check(code, passed, statement(rights.HOLDS[code] if passed else code))


def _event(subscription: Subscription, record_guid: UUID | None, event_guid: UUID | None, by: Actor) -> Event | None:
    """The event asked for, if the owner and whoever asks may see its record; an absent and an invisible one are not told
    apart."""
    if (record_guid is None) == (event_guid is None):
        raise Invalid("record_or_event", field="record")
    of_record = Q(record_guid=record_guid) | Q(work_item_guid=record_guid)
    asked = Event.objects.filter(Q(guid=event_guid) if event_guid else of_record)
    fires = [name for name, body in event_types().items() if body.webhooks]
    visible = rights.seen_by_owner(subscription) & rights.seen_by(by, event="")
    found = list(asked.filter(visible, name__in=fires).order_by("-id")[:20])
    wanted = (subscription.webhook, subscription.filter_key)
    return next((event for event in found if wanted in matching.keys_of(event)), found[0] if found else None)


def _check_tests(subscription: Subscription) -> None:
    """Raise Limited where an account has many tests under way, which go out whatever is paused or left alone."""
    waiting = Queued.objects.filter(lane=Lane.TEST, subscription__owner_id=subscription.owner_id).count()
    if waiting >= run_time_settings.value_of("webhook_most_tests"):
        raise Limited("too_many_tests", retry_after=TESTS_AGAIN)


def wait_for_end(delivery: Delivery, *, seconds: float) -> Delivery:
    """Wait until a delivery has ended or the time is over, and return it as it stands; holds no transaction open."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while True:
        delivery.refresh_from_db()
        if delivery.state in (*ENDED, State.CANCELLED) or time.monotonic() >= deadline:
            return delivery
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
