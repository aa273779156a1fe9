"""Settling: what becomes of deliveries after their attempts, or without any.

In batches, each one transaction. A delivery is settled only by the worker that holds its claim, so a late answer
cannot overwrite what came after; its attempt is recorded all the same.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from workwire.access import run_time_settings
from workwire.kernel import bisect, logs
from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import commands, events, queue, rights, sql
from workwire.reactions.webhooks.models import TRIED_ENOUGH, UNSUBSCRIBED, Lane, Queued, State, Subscription
from workwire.reactions.webhooks.preparing import Prepared
from workwire.reactions.webhooks.retry import next_pause

logger = logging.getLogger(__name__)
GONE, FAILED_TOO_LONG = "endpoint_gone", "failing_too_long"
# errors of attempts that are no tries: what was sent got lost with our process, or with a kept connection as it was closed
LOST = frozenset({"transport_lost", "connection_lost"})
# errors of attempts that say nothing about the endpoint: it is neither failing nor well for them
NO_FAULT_OF_THE_ENDPOINT = LOST | {
    *("authorities_unreadable", "invalid_request", "not_composed", "proxy_failed", "secret_unreadable"),
}
LAST_RESORT = timedelta(hours=1)
MOST_FORGIVEN = 3  # such losses of a delivery, after which they count as tries: it might be the message that does it
HTTP_GONE = 410
_STANDING = {reason for _, reason in rights.STANDING_CHECKS}
_STEPS = ("name_us", "connect_us", "tls_us", "first_byte_us")
_ATTEMPT = (
    *("delivery_id", "number", "started_at", "duration", "status", "error", "detail", "answer_head", "sent"),
    *_STEPS,
)
LONGEST_STEP = 2**31 - 1  # microseconds that a column takes


class Outcome(NamedTuple):
    """How an attempt went. `status` is None when no answer came, then `error` says why; durations are seconds.
    `steps` are those of looking up the name, connecting, TLS and waiting for the first byte; 0 for one that was not made."""

    delivery: Prepared
    started_at: datetime
    duration: float
    status: int | None
    error: str = ""
    detail: str = ""
    answer_head: bytes = b""
    retry_after: float = 0.0
    sent: str = ""
    steps: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def id(self) -> int:
        """The delivery's id."""
        return self.delivery.content.id

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the message: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


def settle(worker: UUID, outcomes: Sequence[Outcome], now: datetime) -> Counter[State]:
    """Record attempts and what follows from them: delivered, another try later, or given up; one transaction. Returns how many
    ended how.

    An outcome that cannot be written keeps no other from being settled, nor does it come back for ever: what follows from
    it is written alone, without the attempt. Raises only when the database is away.
    """
    ended: Counter[State] = Counter()

    def settle_some(some: Sequence[Outcome]) -> int:
        ended.update(_settle(worker, some, now))
        return len(some)

    def settle_unrecorded(one: Outcome, error: Exception) -> None:
        logger.error(
            "an attempt of delivery %d cannot be recorded", one.id, exc_info=error, extra=logs.of(**one.delivery.names)
        )
        ended.update(_settle(worker, [one], now, recorded=False))

    bisect.each(settle_some, outcomes, settle_unrecorded)
    return ended


def put_off(worker: UUID, delivery: int, now: datetime) -> None:
    """Count a try of a claimed delivery that could not be prepared: another one later, and in the end given up. One that
    cannot even be given up is tried again after an hour."""
    try:
        _put_off(worker, delivery, now)
    except Exception as error:  # logged; it must not come back at once
        if sql.is_away(error):
            raise
        logger.exception("delivery %d cannot be given up", delivery)
        queue.retry(worker, [(delivery, Lane.RETRY, now + LAST_RESORT)])


def withhold(worker: UUID, refused: Collection[Prepared], now: datetime) -> int:
    """End claimed deliveries that may not be sent, each with its reason; returns how many. One that cannot be ended stops no
    other and is put off."""

    def put_aside(one: Prepared, error: Exception) -> None:
        logger.error("delivery %d cannot be withheld", one.content.id, exc_info=error, extra=logs.of(**one.names))
        put_off(worker, one.content.id, now)

    return bisect.each(lambda some: _withhold(worker, some, now), list(refused), put_aside)


def cancel(worker: UUID, ended: Collection[int], now: datetime) -> int:
    """End claimed deliveries whose subscription has ended since they were written; returns how many. One that cannot be ended
    stops no other and is put off."""

    def put_aside(one: int, error: Exception) -> None:
        logger.error("delivery %d cannot be cancelled", one, exc_info=error)
        put_off(worker, one, now)

    return bisect.each(lambda some: _cancel(worker, some, now), list(ended), put_aside)


@transaction.atomic
def _put_off(worker: UUID, delivery: int, now: datetime) -> None:
    place = Queued.objects.filter(delivery=delivery, claimed_by=worker).first()
    if place is None:
        return
    pause = next_pause(settings.CONFIG.webhook_retry_schedule, place.tries + 1)
    if pause is None:
        _end(worker, [delivery], State.GAVE_UP, TRIED_ENOUGH, now)
    else:
        queue.retry(worker, [(delivery, Lane.RETRY, now + timedelta(seconds=pause))])


@transaction.atomic
def _withhold(worker: UUID, refused: Sequence[Prepared], now: datetime) -> int:
    lost = {delivery.to.pk: delivery.refusal for delivery in refused if delivery.refusal in _STANDING}
    having = Subscription.objects.select_for_update().filter(pk__in=lost, access_lost_at=None, ended_at=None)
    for subscription in having.order_by("pk"):
        subscription.access_lost_at = now
        subscription.save(update_fields=["access_lost_at"])
        events.note(events.AccessLost, subscription, SYSTEM, Reason=lost[subscription.pk])
    for reason in {delivery.refusal for delivery in refused}:
        ids = [delivery.content.id for delivery in refused if delivery.refusal == reason]
        _end(worker, ids, State.WITHHELD, reason, now)
    return len(refused)


@transaction.atomic
def _cancel(worker: UUID, ended: Sequence[int], now: datetime) -> int:
    _end(worker, ended, State.CANCELLED, UNSUBSCRIBED, now)
    return len(ended)


def _settle(worker: UUID, outcomes: Sequence[Outcome], now: datetime, *, recorded: bool = True) -> Counter[State]:
    later: list[tuple[int, Lane, datetime]] = []
    ends: dict[State, list[int]] = {State.DELIVERED: [], State.GAVE_UP: []}
    forgiven = _forgiven(outcomes)
    for outcome in outcomes:
        if outcome.id in forgiven:
            continue
        pause = None if outcome.succeeded else _pause(outcome)
        if pause is not None:
            lane = Lane.BULK if outcome.delivery.content.lane == Lane.BULK else Lane.RETRY
            later.append((outcome.id, lane, now + timedelta(seconds=pause)))
        else:
            ends[State.DELIVERED if outcome.succeeded else State.GAVE_UP].append(outcome.id)
    with transaction.atomic():
        if recorded:  # locks subscriptions before the queue, as commands do
            _settle_subscriptions(outcomes, now)
            sql.insert("webhooks_attempt", _ATTEMPT, map(_attempt, outcomes))
        rest = {outcome.id for outcome in outcomes}
        for state, ended in ends.items():
            rest -= _end(worker, ended, state, TRIED_ENOUGH if state == State.GAVE_UP else "", now, attempts=1)
        if rest:
            sql.run(f"UPDATE webhooks_delivery SET attempts = attempts + 1 WHERE {sql.any_of('id')}", sql.listed(rest))
        queue.retry(worker, later)
        queue.release(worker, forgiven, now)
    return Counter({state: len(ended) for state, ended in ends.items()})


def _forgiven(outcomes: Sequence[Outcome]) -> set[int]:
    """The deliveries whose attempt counts as no try: it was lost, and that did not happen to them often."""
    lost = {outcome.id for outcome in outcomes if outcome.error in LOST}
    if not lost:
        return lost
    too_often = sql.rows(
        f"SELECT delivery_id FROM webhooks_attempt WHERE {sql.any_of('delivery_id')}"
        f" AND error IN ({', '.join(['%s'] * len(LOST))}) GROUP BY delivery_id HAVING count(*) >= %s",
        sql.listed(lost),
        *LOST,
        MOST_FORGIVEN,
    )
    return lost - {row[0] for row in too_often}


def _end(
    worker: UUID, deliveries: Collection[int], state: State, reason: str, now: datetime, *, attempts: int = 0
) -> set[int]:
    """Take deliveries still held out of the queue and write how they ended; which they were."""
    held = queue.leave(worker, deliveries) if deliveries else []
    if held:
        sql.run(
            "UPDATE webhooks_delivery SET state = %s, end_reason = %s, finished_at = %s, attempts = attempts + %s"
            f" WHERE {sql.any_of('id')}",
            int(state),
            reason,
            sql.moment(now),
            attempts,
            sql.listed(held),
        )
    return set(held)


def _pause(outcome: Outcome) -> float | None:
    """Seconds until the next attempt; None to give up, which a test does at once."""
    if outcome.delivery.content.is_test:
        return None
    schedule = outcome.delivery.to.retry_schedule or settings.CONFIG.webhook_retry_schedule
    return next_pause(schedule, (outcome.delivery.content.tries or 0) + 1, retry_after=outcome.retry_after)


def _attempt(outcome: Outcome) -> tuple[object, ...]:
    return (
        outcome.id,
        outcome.delivery.content.attempts + 1,
        sql.moment(outcome.started_at),
        outcome.duration,
        outcome.status,
        outcome.error,
        outcome.detail[:300],
        outcome.answer_head,
        outcome.sent,
        *[min(LONGEST_STEP, round(seconds * 1_000_000)) or None for seconds in outcome.steps],
    )


def _settle_subscriptions(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Note endpoints that began to fail, recovered, are gone or failed too long; and rights that came back. Of a subscription
    that ended meanwhile nothing is told."""
    told = telling(outcomes)
    concerned = [
        pk
        for pk, outcome in told.items()
        if not outcome.succeeded
        or outcome.delivery.to.failing_since is not None
        or outcome.delivery.to.access_lost_at is not None
    ]
    if not concerned:
        return
    living = Subscription.objects.select_for_update().filter(pk__in=concerned, ended_at=None)
    for subscription in living.order_by("pk"):
        _settle_subscription(subscription, told[subscription.pk], now)


def telling(outcomes: Sequence[Outcome]) -> dict[int, Outcome]:
    """For each subscription the outcome that says how its endpoint is, if one does: that it is gone, or took something, or the
    last."""
    found: dict[int, Outcome] = {}
    weights: dict[int, int] = {}
    for outcome in outcomes:
        if outcome.error in NO_FAULT_OF_THE_ENDPOINT:
            continue
        subscription, weight = outcome.delivery.content.subscription, _weight(outcome)
        if weight >= weights.get(subscription, 0):
            found[subscription], weights[subscription] = outcome, weight
    return found


def _weight(outcome: Outcome) -> int:
    return 2 if outcome.status == HTTP_GONE else 1 if outcome.succeeded else 0


def _settle_subscription(subscription: Subscription, outcome: Outcome, now: datetime) -> None:
    before = (subscription.access_lost_at, subscription.failing_since)
    if subscription.access_lost_at is not None:
        subscription.access_lost_at = None
        events.note(events.AccessBack, subscription, SYSTEM)
    if outcome.succeeded:
        if subscription.failing_since is not None:
            subscription.failing_since = None
            events.note(events.EndpointRecovered, subscription, SYSTEM)
    elif subscription.failing_since is None:
        subscription.failing_since = now
        reason = f"status {outcome.status}" if outcome.status else outcome.error
        events.note(events.EndpointFailing, subscription, SYSTEM, Reason=reason)
    if before != (subscription.access_lost_at, subscription.failing_since):
        subscription.save(update_fields=["access_lost_at", "failing_since"])
    if subscription.paused_at is None and not outcome.succeeded:
        too_long = timedelta(hours=run_time_settings.value_of("webhook_pause_after_hours"))
        if outcome.status == HTTP_GONE:
            commands.set_paused(subscription, GONE, by=SYSTEM)
        elif subscription.failing_since and subscription.failing_since <= now - too_long:
            commands.set_paused(subscription, FAILED_TOO_LONG, by=SYSTEM)
