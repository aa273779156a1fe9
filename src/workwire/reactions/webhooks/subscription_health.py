"""How a subscription and its endpoint are, for its owner and for administrators: figures of its own messages only.

Every query here is bounded, however long the log and the queue: attempts are counted among the newest messages, and the
answer says among how many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from workwire.kernel import clock
from workwire.reactions.webhooks import queue, sql, workers
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.reactions.webhooks.workers import Circuit

MOST_DELIVERIES, MOST_ATTEMPTS = 1_000, 5_000
CONDITIONS = {
    "healthy": Q(paused_at=None, access_lost_at=None, failing_since=None),
    "failing": Q(paused_at=None, access_lost_at=None, failing_since__isnull=False),
    "paused": Q(paused_at__isnull=False),
    "access_lost": Q(paused_at=None, access_lost_at__isnull=False),
}  # as `condition` says them
_TRIED = "SELECT started_at, status, error FROM webhooks_attempt WHERE {} ORDER BY started_at DESC LIMIT %s"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Tried(NamedTuple):
    """An attempt: when it began, its status, or the error when no answer came."""

    at: datetime
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Attempts by outcome within a time."""

    succeeded: int
    refused: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class Health:
    """`state` is `healthy`, `failing`, `paused` or `access_lost`. `counted` says among how many of the newest messages
    attempts were looked for."""

    state: str
    circuit: Circuit
    depth: queue.Depth
    oldest_due: float
    last_success: Tried | None
    last_failure: Tried | None
    last_hour: Counts
    last_day: Counts
    counted: int


def health(subscription: Subscription) -> Health:
    """The health of a subscription; the caller has checked that it may be seen."""
    now = clock.now()
    newest = list(
        Delivery.objects.filter(subscription=subscription)
        .order_by("-pk")
        .values_list("pk", flat=True)[:MOST_DELIVERIES]
    )
    rows = sql.rows(_TRIED.format(sql.any_of("delivery_id")), sql.listed(newest), MOST_ATTEMPTS)
    tried = [Tried(sql.read_moment(at), status, error) for at, status, error in rows]
    return Health(
        state=condition(subscription),
        circuit=workers.circuit(subscription.pk, now),
        depth=queue.depth(subscription.pk),
        oldest_due=queue.oldest_due_of(subscription.pk, now),
        last_success=next((one for one in tried if has_succeeded(one.status)), None),
        last_failure=next((one for one in tried if not has_succeeded(one.status)), None),
        last_hour=counts(one.status for one in tried if one.at > now - HOUR),
        last_day=counts(one.status for one in tried if one.at > now - DAY),
        counted=len(newest),
    )


def condition(subscription: Subscription) -> str:
    """The condition of a subscription, one of `CONDITIONS`."""
    if subscription.paused_at is not None:
        return "paused"
    if subscription.access_lost_at is not None:
        return "access_lost"
    return "healthy" if subscription.failing_since is None else "failing"


def counts(statuses: Iterable[int | None]) -> Counts:
    """Attempts by outcome, of the status that each was answered with; None for no answer."""
    known = list(statuses)
    succeeded, unanswered = sum(map(has_succeeded, known)), known.count(None)
    return Counts(succeeded, len(known) - succeeded - unanswered, unanswered)


def has_succeeded(status: int | None) -> bool:
    """Whether an endpoint that answered so took the message."""
    return status is not None and 200 <= status < 300
