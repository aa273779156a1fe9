"""How a subscription and its endpoint are, for its owner and for administrators: figures of its own messages only.

Every query here is bounded, however long the log and the queue: the database looks for attempts among the newest messages,
counts them, and answers a row for each outcome, with among how many messages it looked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db.models import Q

from workwire.kernel import clock
from workwire.reactions.webhooks import queue, sql, workers
from workwire.reactions.webhooks.models import Subscription
from workwire.reactions.webhooks.workers import Circuit

MOST_DELIVERIES, MOST_ATTEMPTS = 1_000, 5_000
CONDITIONS = {
    "healthy": Q(paused_at=None, access_lost_at=None, failing_since=None),
    "failing": Q(paused_at=None, access_lost_at=None, failing_since__isnull=False),
    "paused": Q(paused_at__isnull=False),
    "access_lost": Q(paused_at=None, access_lost_at__isnull=False),
}  # as `condition` says them
_EACH = (
    "CROSS JOIN LATERAL (SELECT started_at, status, error FROM webhooks_attempt"
    " WHERE delivery_id = newest.id OFFSET 0) tried"
)  # `OFFSET 0` keeps PostgreSQL from joining with every attempt there is
# SQLite goes through a cross join from left to right.
_IN_TURN = "CROSS JOIN webhooks_attempt tried ON tried.delivery_id = newest.id"
# Attempts are taken message by message, the newest first: their limit bounds what is read, which sorting them would not.
_TRIED = """
WITH newest AS (
    SELECT id FROM webhooks_delivery WHERE subscription_id = %s ORDER BY id DESC LIMIT %s
), attempts AS (
    SELECT started_at, status, error,
        CASE WHEN status IS NULL THEN 2 WHEN status BETWEEN 200 AND 299 THEN 0 ELSE 1 END AS outcome
    FROM newest {attempts} LIMIT %s
), ranked AS (
    SELECT started_at, status, error, outcome,
        row_number() OVER (PARTITION BY outcome ORDER BY started_at DESC) AS place
    FROM attempts
), told AS (
    SELECT outcome, sum(CASE WHEN started_at > %s THEN 1 ELSE 0 END) AS in_hour,
        sum(CASE WHEN started_at > %s THEN 1 ELSE 0 END) AS in_day, max(started_at) AS last_at,
        max(CASE WHEN place = 1 THEN status END) AS status, max(CASE WHEN place = 1 THEN error END) AS error
    FROM ranked GROUP BY outcome
)
SELECT counted.messages, outcome, in_hour, in_day, last_at, status, error
FROM (SELECT count(*) AS messages FROM newest) counted LEFT JOIN told ON 1 = 1
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_SUCCEEDED, _REFUSED, _OUTCOMES = 0, 1, 3  # numbers of outcomes in the statement: taken, refused, no answer


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
class _Told:
    """Of so many messages: the last attempt of each outcome, in the order of `Counts`, and how many there were of each."""

    messages: int
    last: list[Tried | None]
    in_hour: list[int]
    in_day: list[int]


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
    told = _tried(subscription.pk, now)
    return Health(
        state=condition(subscription),
        circuit=workers.circuit(subscription.pk, now),
        depth=queue.depth(subscription.pk),
        oldest_due=queue.oldest_due_of(subscription.pk, now),
        last_success=told.last[_SUCCEEDED],
        last_failure=max((one for one in told.last[_REFUSED:] if one), key=lambda one: one.at, default=None),
        last_hour=Counts(*told.in_hour),
        last_day=Counts(*told.in_day),
        counted=told.messages,
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


def _tried(subscription: int, now: datetime) -> _Told:
    hour, day = sql.moment(now - HOUR), sql.moment(now - DAY)
    rows = sql.rows(_statement(sql.on_postgresql()), subscription, MOST_DELIVERIES, MOST_ATTEMPTS, hour, day)
    told = _Told(rows[0][0], [None] * _OUTCOMES, [0] * _OUTCOMES, [0] * _OUTCOMES)
    for _messages, outcome, in_hour, in_day, last_at, status, error in rows:
        if outcome is not None:
            told.last[outcome] = Tried(sql.read_moment(last_at), status, error)
            told.in_hour[outcome], told.in_day[outcome] = in_hour, in_day
    return told


@cache
def _statement(on_postgresql: bool) -> str:
    return _TRIED.format(attempts=_EACH if on_postgresql else _IN_TURN)
