"""The queue of deliveries: fan-out from the outbox, claim, prepare, settle. All in batches, each step one transaction.

A crash between any two steps loses nothing: an event stays pending until its deliveries are written in the same
transaction; a claimed delivery becomes due again when its lease runs out. A delivery is settled only by the dispatcher
that holds its claim, so a late answer cannot overwrite what came after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from workwire.kernel.actor import SYSTEM
from workwire.outbox.models import Pending
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, events, matching, retry, rights
from workwire.reactions.webhooks.models import QUEUED, Attempt, Delivery, Lane, State, Subscription

FAN_OUT_LOCK = 7_301_001  # any number; names the advisory lock that lets one dispatcher at a time fan out
GONE, FAILED_TOO_LONG = "endpoint_gone", "failing_too_long"
_STANDING = {rights.OWNER_INACTIVE, rights.CREDENTIAL_INVALID, rights.ROLE_MISSING, rights.FILTER_INVISIBLE}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went. `status` is None when no answer came, then `error` says why; durations are seconds."""

    delivery: Delivery
    started_at: datetime
    duration: float
    status: int | None
    error: str = ""
    detail: str = ""
    answer_head: bytes = b""
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the message: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


def fan_out(now: datetime, *, limit: int = 200) -> int:
    """Write the deliveries of up to `limit` pending events, oldest first, and drop the pending rows; returns how many.

    One dispatcher at a time does this, in the order of the ledger, so that the deliveries of one record are written in
    the order of its sequence.
    """
    if not Pending.objects.exists():
        return 0  # looked at without a lock: an idle dispatcher is in nobody's way
    with transaction.atomic():
        if not _may_fan_out():
            return 0
        pending = list(Pending.objects.select_related("event").order_by("event_id")[:limit])
        if not pending:
            return 0
        wanted = _subscriptions_by_key(pending)
        deliveries = [
            Delivery(
                subscription_id=subscription_id,
                event=row.event,
                record_guid=row.event.record_guid,
                lane=Lane.BULK if row.in_bulk else Lane.FRESH,
                due_at=now,
                created_at=now,
            )
            for row in pending
            for pair in matching.keys_of(row.event)
            for subscription_id in wanted.get(pair, ())
        ]
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        event_ids = [row.event_id for row in pending]
        if any(key == matching.EVERYTHING for _, key in wanted):
            drop_unseen(event_ids)
        Pending.objects.filter(pk__in=event_ids).delete()
        return len(pending)


def drop_unseen(event_ids: Sequence[int], *, of: Subscription | None = None) -> None:
    """Remove unsent deliveries to subscriptions to *everything the owner may see* whose event the owner may not see: such
    an event is no match. Called in the transaction that wrote them."""
    fresh = Delivery.objects.filter(event_id__in=event_ids, subscription__filter_type=ObjectType.NONE, attempts=0)
    if of is not None:
        fresh = fresh.filter(subscription=of)
    unseen = [row.pk for row in rights.checked(fresh) if rights.refusal(row, only=rights.RECORD_INVISIBLE)]
    Delivery.objects.filter(pk__in=unseen).delete()


def claim(worker: UUID, now: datetime, *, limit: int, busy: Mapping[str, int], last_first: bool = False) -> list[int]:
    """Claim up to `limit` due deliveries for a dispatcher; returns their ids, to be given to `prepare`.

    `busy` counts attempts in flight by endpoint; no endpoint gets more than its bound. `last_first` looks at the lanes
    backwards, which a caller does now and then so that a flood of fresh events starves neither retries nor bulk.
    """
    if not Delivery.objects.filter(QUEUED, due_at__lte=now).exists():
        return []  # as in `fan_out`
    most = settings.CONFIG.webhook_endpoint_concurrency
    full = [endpoint for endpoint, count in busy.items() if count >= most]
    with transaction.atomic():
        due = (
            Delivery.objects.filter(QUEUED, _not_paused(), due_at__lte=now)
            .exclude(Q(subscription__in_order=True) & Q(_earlier_of_record()))
            .exclude(subscription__endpoint__in=full)
            .order_by("-lane" if last_first else "lane", "due_at", "id")
        )
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        taken: list[int] = []
        counts = Counter(busy)
        for pk, endpoint in due.values_list("pk", "subscription__endpoint")[: limit * 2]:
            if counts[endpoint] < most and len(taken) < limit:
                counts[endpoint] += 1
                taken.append(pk)
        lease = timedelta(seconds=settings.CONFIG.webhook_lease_seconds)
        Delivery.objects.filter(pk__in=taken).update(state=State.SENDING, claimed_by=worker, due_at=now + lease)
    return taken


def prepare(worker: UUID, claimed: Collection[int], now: datetime) -> list[tuple[Delivery, str]]:
    """Load claimed deliveries, each with the reason not to send it by the rights as they are now, empty when it may be
    sent. Two queries for a batch; the rights come last."""
    rows = list(_held(worker, claimed).select_related("subscription", "event").order_by("id"))
    reasons = rights.refusals([row.pk for row in rows], now)
    return [(row, reasons[row.pk]) for row in rows]


def withhold(worker: UUID, refused: Sequence[tuple[Delivery, str]], now: datetime) -> None:
    """End claimed deliveries that may not be sent, each with its reason."""
    with transaction.atomic():
        for reason in {reason for _, reason in refused}:
            ids = [delivery.pk for delivery, why in refused if why == reason]
            _held(worker, ids).update(
                state=State.WITHHELD,
                withheld_reason=reason,
                finished_at=now,
                claimed_by=None,
                is_replay=False,
            )
        lost = {delivery.subscription_id: why for delivery, why in refused if why in _STANDING}
        for subscription in Subscription.objects.select_for_update().filter(pk__in=lost, access_lost_at=None):
            subscription.access_lost_at = now
            subscription.save(update_fields=["access_lost_at"])
            commands.note(events.AccessLost, subscription, SYSTEM, Reason=lost[subscription.pk])


def cancel(worker: UUID, ended: Iterable[int], now: datetime) -> None:
    """End claimed deliveries whose subscription has ended since they were written."""
    _held(worker, list(ended)).update(state=State.CANCELLED, finished_at=now, claimed_by=None)


def release(worker: UUID, unsent: Collection[int], now: datetime) -> None:
    """Give claimed deliveries back unsent, due at once."""
    _held(worker, unsent).update(state=State.DUE, claimed_by=None, due_at=now)


def settle(worker: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Record attempts and what follows from them: delivered, another try later, or given up; one transaction."""
    with transaction.atomic():
        Attempt.objects.bulk_create(_attempt(outcome) for outcome in outcomes)
        Delivery.objects.filter(pk__in=[outcome.delivery.pk for outcome in outcomes]).update(
            attempts=F("attempts") + 1, tries=F("tries") + 1
        )
        delivered = [outcome.delivery.pk for outcome in outcomes if outcome.succeeded]
        _held(worker, delivered).update(
            state=State.DELIVERED, finished_at=now, claimed_by=None, withheld_reason="", is_replay=False
        )
        for outcome in outcomes:
            if not outcome.succeeded:
                _settle_failure(worker, outcome, now)
        _settle_subscriptions(outcomes, now)


def next_due() -> datetime | None:
    """When the next delivery of a subscription that is not paused becomes due, None when nothing is queued."""
    found: datetime | None = Delivery.objects.filter(QUEUED, _not_paused()).aggregate(at=Min("due_at"))["at"]
    return found


def depth() -> dict[str, int]:
    """How many deliveries stand in each state of the queue, and how many events wait for fan-out."""
    counted = Delivery.objects.filter(QUEUED).values_list("state").annotate(count=Count("id"))
    return {State(state).label: count for state, count in counted} | {"pending": Pending.objects.count()}


def oldest_due(now: datetime) -> float:
    """Age in seconds of the oldest delivery that is due, or of the oldest event not fanned out; 0 when there is none."""
    due = Delivery.objects.filter(_not_paused(), state=State.DUE, due_at__lte=now).aggregate(at=Min("due_at"))["at"]
    event = Pending.objects.aggregate(at=Min("event__occurred_at"))["at"]
    moments = [moment for moment in (due, event) if moment is not None]
    return max(0.0, (now - min(moments)).total_seconds()) if moments else 0.0


def remove_finished(before: datetime, *, limit: int = 1000) -> int:
    """Remove one small batch of deliveries, with their attempts, that ended before a moment; returns how many."""
    batch = list(
        Delivery.objects.filter(finished_at__lt=before).order_by("finished_at").values_list("pk", flat=True)[:limit]
    )
    Delivery.objects.filter(pk__in=batch).delete()
    return len(batch)


def _may_fan_out() -> bool:
    if connection.vendor != "postgresql":
        return True  # the transaction holds the database's only write lock
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FAN_OUT_LOCK])
        return bool(cursor.fetchone()[0])


def _subscriptions_by_key(pending: Sequence[Pending]) -> dict[tuple[int, str], list[int]]:
    keys: dict[int, set[str]] = {}
    for row in pending:
        for number, key in matching.keys_of(row.event):
            keys.setdefault(number, set()).add(key)
    condition = Q()
    for number, names in keys.items():
        condition |= Q(webhook=number, filter_key__in=names)
    found: dict[tuple[int, str], list[int]] = {}
    rows = Subscription.objects.filter(condition, ended_at=None)
    for pk, number, key in rows.values_list("pk", "webhook", "filter_key"):
        found.setdefault((number, key), []).append(pk)
    return found


def _not_paused() -> Q:
    return Q(subscription__paused_at=None) | Q(event=None)


def _earlier_of_record() -> Exists:
    earlier = Delivery.objects.filter(
        QUEUED,
        subscription_id=OuterRef("subscription_id"),
        record_guid=OuterRef("record_guid"),
        pk__lt=OuterRef("pk"),
    )
    return Exists(earlier)


def _held(worker: UUID, ids: Collection[int]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk__in=ids, claimed_by=worker, state=State.SENDING)


def _attempt(outcome: Outcome) -> Attempt:
    return Attempt(
        delivery=outcome.delivery,
        number=outcome.delivery.attempts + 1,
        started_at=outcome.started_at,
        duration=outcome.duration,
        status=outcome.status,
        error=outcome.error,
        detail=outcome.detail[:300],
        answer_head=outcome.answer_head,
        headers=dict(outcome.headers),
    )


def _settle_failure(worker: UUID, outcome: Outcome, now: datetime) -> None:
    delivery = outcome.delivery
    schedule = delivery.subscription.retry_schedule or settings.CONFIG.webhook_retry_schedule
    pause = retry.next_pause(schedule, delivery.tries + 1, retry_after=outcome.retry_after)
    held = _held(worker, [delivery.pk])
    if pause is None or delivery.event_id is None:
        held.update(state=State.GAVE_UP, finished_at=now, claimed_by=None, is_replay=False)
    else:
        lane = Lane.BULK if delivery.lane == Lane.BULK else Lane.RETRY
        held.update(state=State.DUE, lane=lane, claimed_by=None, due_at=now + timedelta(seconds=pause))


def _settle_subscriptions(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Note endpoints that began to fail, recovered, are gone or failed too long; and rights that came back."""
    last = {outcome.delivery.subscription_id: outcome for outcome in outcomes}
    concerned = [
        pk
        for pk, outcome in last.items()
        if not outcome.succeeded
        or outcome.delivery.subscription.failing_since is not None
        or outcome.delivery.subscription.access_lost_at is not None
    ]
    for subscription in Subscription.objects.select_for_update().filter(pk__in=concerned).order_by("pk"):
        _settle_subscription(subscription, last[subscription.pk], now)


def _settle_subscription(subscription: Subscription, outcome: Outcome, now: datetime) -> None:
    if subscription.access_lost_at is not None:
        subscription.access_lost_at = None
        commands.note(events.AccessBack, subscription, SYSTEM)
    too_long = timedelta(hours=settings.CONFIG.webhook_pause_after_hours)
    if outcome.succeeded:
        if subscription.failing_since is not None:
            subscription.failing_since = None
            commands.note(events.EndpointRecovered, subscription, SYSTEM)
    elif subscription.failing_since is None:
        subscription.failing_since = now
        reason = f"status {outcome.status}" if outcome.status else outcome.error
        commands.note(events.EndpointFailing, subscription, SYSTEM, Reason=reason)
    subscription.save(update_fields=["access_lost_at", "failing_since"])
    if subscription.paused_at is None and not outcome.succeeded:
        if outcome.status == 410:
            commands.set_paused(subscription, GONE, by=SYSTEM)
        elif subscription.failing_since and subscription.failing_since <= now - too_long:
            commands.set_paused(subscription, FAILED_TOO_LONG, by=SYSTEM)
