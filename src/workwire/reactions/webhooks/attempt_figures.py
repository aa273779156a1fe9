"""How a subscription's endpoint did over a time, slot by slot: what it took, what it did not, and how long it took to answer.

Bounded, however much is sent: the database looks for attempts among the newest messages, counts and ranks them, and answers
a row for each slot, with the moment from which on none is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from workwire.kernel import clock
from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.models import Subscription
from workwire.reactions.webhooks.subscription_health import Counts

MOST_MESSAGES, MOST_TRIED = 5_000, 10_000
_NONE = Counts(0, 0, 0)
_EACH = (
    "CROSS JOIN LATERAL (SELECT started_at, status, duration FROM webhooks_attempt"
    " WHERE delivery_id = newest.id AND started_at >= %s OFFSET 0) tried"
)  # `OFFSET 0` keeps PostgreSQL from joining with every attempt there is
# SQLite goes through a cross join from left to right.
_IN_TURN = "CROSS JOIN webhooks_attempt tried ON tried.delivery_id = newest.id AND tried.started_at >= %s"
_SLOT_OF_MOMENT = "CAST(floor(extract(epoch FROM started_at - %s::timestamptz) / %s) AS integer)"
_SECONDS = "CAST(strftime('%%s', {}) AS integer)"
_SLOT_OF_TEXT = f"({_SECONDS.format('started_at')} - {_SECONDS.format('%s')}) / %s"
_FIGURES = """
WITH newest AS (
    SELECT id, created_at, row_number() OVER (ORDER BY id DESC) AS place
    FROM webhooks_delivery WHERE subscription_id = %s ORDER BY id DESC LIMIT %s
), attempts AS (
    SELECT started_at, status, duration, {slot} AS slot
    FROM newest {attempts} WHERE newest.place <= %s ORDER BY started_at DESC LIMIT %s
), ranked AS (
    SELECT started_at, status, duration, slot,
        row_number() OVER (PARTITION BY slot, status IS NULL ORDER BY duration) AS place,
        count(*) OVER (PARTITION BY slot, status IS NULL) AS answers
    FROM attempts
), told AS (
    SELECT slot, min(started_at) AS first_at, sum(CASE WHEN status BETWEEN 200 AND 299 THEN 1 ELSE 0 END) AS succeeded,
        sum(CASE WHEN status IS NULL THEN 1 ELSE 0 END) AS unanswered, count(*) AS tried,
        max(CASE WHEN status IS NOT NULL AND place = (answers * 50 + 99) / 100 THEN duration END) AS half,
        max(CASE WHEN status IS NOT NULL AND place = (answers * 95 + 99) / 100 THEN duration END) AS most
    FROM ranked GROUP BY slot
)
SELECT beyond.created_at, slot, first_at, succeeded, unanswered, tried, half, most
FROM (SELECT (SELECT created_at FROM newest WHERE place > %s) AS created_at) beyond LEFT JOIN told ON 1 = 1
"""


class Period(StrEnum):
    """Over how long figures are told."""

    DAY = "24h"
    WEEK = "7d"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return timedelta(days=1) if self is Period.DAY else timedelta(days=7)

    @property
    def slot(self) -> timedelta:
        """How long a slot of it is."""
        return timedelta(hours=1) if self is Period.DAY else timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Slot:
    """The attempts that began within a slot by outcome, and within how many seconds half and 95 % of the answers came; None
    where none came."""

    begins: datetime
    counts: Counts
    half: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Slots of a period, oldest first; the last one is not over. `missing_until` is the moment before which attempts of older
    messages are not counted, None where all are."""

    slots: tuple[Slot, ...]
    missing_until: datetime | None


def figures(subscription: Subscription, period: Period) -> Figures:
    """The figures of a subscription, one query; the caller has checked that it may be seen."""
    begins = slots_of(clock.now(), period.length, period.slot)
    told, missing = _told(subscription.pk, begins, period.slot)
    return Figures(
        tuple(told.get(number, Slot(begin, _NONE, None, None)) for number, begin in enumerate(begins)),
        missing if missing is not None and missing > begins[0] else None,
    )


def slots_of(now: datetime, length: timedelta, slot: timedelta) -> list[datetime]:
    """When the slots of a length of time begin that ends with the present one."""
    seconds = int(slot.total_seconds())
    last = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    count = length // slot
    return [last - slot * (count - 1 - number) for number in range(count)]


def _told(subscription: int, begins: Sequence[datetime], slot: timedelta) -> tuple[dict[int, Slot], datetime | None]:
    """The slots that have attempts, by their number, and the newest moment before which some are not counted."""
    first, seconds = sql.moment(begins[0]), int(slot.total_seconds())
    given = (subscription, MOST_MESSAGES + 1, first, seconds, first, MOST_MESSAGES, MOST_TRIED, MOST_MESSAGES)
    rows = sql.rows(_figures(sql.on_postgresql()), *given)
    missing = [sql.read_moment(rows[0][0])] if rows[0][0] is not None else []
    slots = {}
    for _beyond, number, _first_at, succeeded, unanswered, tried, half, most in rows:
        if number is not None and number < len(begins):  # a worker whose clock is ahead may have begun later
            counted = Counts(succeeded, tried - succeeded - unanswered, unanswered)
            slots[number] = Slot(begins[number], counted, half, most)
    if sum(row[5] or 0 for row in rows) == MOST_TRIED:
        missing.append(min(sql.read_moment(row[2]) for row in rows))
    return slots, max(missing, default=None)


@cache
def _figures(on_postgresql: bool) -> str:
    attempts, slot = (_EACH, _SLOT_OF_MOMENT) if on_postgresql else (_IN_TURN, _SLOT_OF_TEXT)
    return _FIGURES.format(attempts=attempts, slot=slot)
