"""How a subscription's endpoint did over a time, slot by slot: what it took, what it did not, and how long it took to answer.

Bounded, however much is sent: attempts are looked for among the newest messages, and the answer says from which moment on
none is missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from workwire.kernel import clock
from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.reactions.webhooks.subscription_health import Counts, counts

MOST_MESSAGES, MOST_TRIED = 5_000, 10_000
_TRIED = (
    "SELECT started_at, status, duration FROM webhooks_attempt WHERE {} AND started_at >= %s"
    " ORDER BY started_at DESC LIMIT %s"
)  # the messages as values, since PostgreSQL reads every attempt there is for a subquery


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
    """The figures of a subscription, at most three queries; the caller has checked that it may be seen."""
    slot = period.slot
    begins = slots_of(clock.now(), period.length, slot)
    newest = Delivery.objects.filter(subscription=subscription).order_by("-pk").values_list("pk", flat=True)
    numbers = list(newest[: MOST_MESSAGES + 1])
    beyond = Delivery.objects.filter(pk__in=numbers[MOST_MESSAGES:]).values_list("created_at", flat=True)
    statement = _TRIED.format(sql.any_of("delivery_id"))
    rows = sql.rows(statement, sql.listed(numbers[:MOST_MESSAGES]), sql.moment(begins[0]), MOST_TRIED)
    tried: list[list[tuple[int | None, float]]] = [[] for _ in begins]
    for at, status, duration in rows:
        tried[bisect_right(begins, sql.read_moment(at)) - 1].append((status, duration))
    oldest = [sql.read_moment(rows[-1][0])] if len(rows) == MOST_TRIED else []
    missing = max([*beyond, *oldest], default=None)
    return Figures(
        tuple(_slot(moment, of_slot) for moment, of_slot in zip(begins, tried, strict=True)),
        missing if missing is not None and missing > begins[0] else None,
    )


def slots_of(now: datetime, length: timedelta, slot: timedelta) -> list[datetime]:
    """When the slots of a length of time begin that ends with the present one."""
    seconds = int(slot.total_seconds())
    last = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    count = length // slot
    return [last - slot * (count - 1 - number) for number in range(count)]


def _slot(begins: datetime, tried: Sequence[tuple[int | None, float]]) -> Slot:
    answered = sorted(duration for status, duration in tried if status is not None)
    counted = counts(status for status, _ in tried)
    return Slot(begins, counted, _share(answered, 50), _share(answered, 95))


def _share(ordered: Sequence[float], percent: int) -> float | None:
    """The value that so many of a hundred do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
