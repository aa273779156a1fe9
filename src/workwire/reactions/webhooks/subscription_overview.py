"""Many subscriptions at a glance: what waits for each and since when, how the last day went, and sorted by that.

A page of the list is two queries, whatever the log and the queue hold: what waits is counted up to `MOST_WAITING` in each
lane, and the last day is told from the newest `MOST_NEWEST` messages of each. To sort by what waits the database looks at the
queue of every subscription in the list, which costs as much as there are subscriptions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, IntegerField, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, StrIndex, Substr

from workwire.kernel import pages
from workwire.kernel.pages import Page
from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.attempt_figures import slots_of
from workwire.reactions.webhooks.models import State, Subscription
from workwire.reactions.webhooks.queue import LANES

MOST_WAITING, MOST_NEWEST = 1_000, 200
NEWEST = "newest"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_PLACE = (
    "FROM webhooks_queued WHERE claimed_by IS NULL AND lane = {lane} AND subscription_id = webhooks_subscription.id"
)
_COUNT = f"(SELECT count(*) FROM (SELECT 1 {_PLACE} LIMIT {MOST_WAITING}) q{{lane}})"
_WAITING = " + ".join(_COUNT.format(lane=int(lane)) for lane in LANES)
_HEADS = " UNION ALL ".join(f"SELECT min(due_at) AS due_at {_PLACE.format(lane=int(lane))}" for lane in LANES)
_OLDEST = f"(SELECT min(due_at) FROM ({_HEADS}) heads)"
_NEWEST = "SELECT {columns} FROM webhooks_delivery WHERE subscription_id = {of} ORDER BY id DESC LIMIT {most}"
_DAY_OF_ARRAY = (
    "SELECT s.id, d.created_at, d.state FROM unnest(%s::bigint[]) AS s(id) CROSS JOIN LATERAL ("
    + _NEWEST.format(columns="created_at, state, attempts", of="s.id", most=MOST_NEWEST)
    + ") d WHERE d.created_at >= %s AND (d.state <> 0 OR d.attempts > 0)"
)
_DAY_OF_JSON = (
    "SELECT d.subscription_id, d.created_at, d.state FROM json_each(%s) s JOIN webhooks_delivery d ON d.id IN ("
    + _NEWEST.format(columns="id", of="s.value", most=MOST_NEWEST)
    + ") WHERE d.created_at >= %s AND (d.state <> 0 OR d.attempts > 0)"
)
_RANK = Case(
    When(access_lost_at__isnull=False, paused_at=None, then=Value(1)),
    When(paused_at__isnull=False, then=Value(2)),
    When(failing_since__isnull=False, then=Value(0)),
    default=Value(3),
    output_field=IntegerField(),
)
ORDERS: dict[str, tuple[Any, ...]] = {
    NEWEST: (F("pk").desc(),),
    "health": (_RANK.asc(), F("failing_since").asc(nulls_last=True), F("pk").desc()),
    "name": (Lower(Substr("url", StrIndex("url", Value("://")) + 3)).asc(), F("pk").desc()),
    "waiting": (F("waiting").desc(), F("pk").desc()),
    "lag": (F("oldest_due").asc(nulls_last=True), F("pk").desc()),
}  # each with the end that people look for first


@dataclass(frozen=True, slots=True)
class LastDay:
    """Of the newest messages those of the last day that were tried: how many were taken, of how many, and the share taken of
    each hour, oldest first, None where there was none."""

    taken: int
    tried: int
    shares: tuple[float | None, ...]


def with_waiting(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """Subscriptions with `waiting`, how many messages wait for each, and `oldest_due`, when the first is or was due."""
    return rows.annotate(
        waiting=RawSQL(_WAITING, (), output_field=IntegerField()),  # noqa: S611 # constants
        oldest_due=RawSQL(_OLDEST, (), output_field=DateTimeField()),  # noqa: S611 # constants
    )


def page(rows: QuerySet[Subscription], order: str, *, limit: int = 50, cursor: str | None = None) -> Page[Subscription]:
    """A page in one of the `ORDERS`; but of the newest the cursor says behind how many rows it begins. Raises Invalid for a
    cursor not ours."""
    if order == NEWEST:
        return pages.page(with_waiting(rows), limit=limit, cursor=cursor)
    begins = pages.place_of(cursor) if cursor else 0
    found = list(with_waiting(rows).order_by(*ORDERS[order])[begins : begins + limit + 1])
    return Page(found[:limit], pages.cursor_at(begins + limit) if len(found) > limit else None)


def last_days(of: Collection[Subscription], now: datetime) -> dict[int, LastDay]:
    """How the last day of each went, by its id; one query."""
    hours = slots_of(now, DAY, HOUR)
    found: dict[int, list[list[bool]]] = defaultdict(lambda: [[] for _ in hours])
    statement = _DAY_OF_ARRAY if sql.on_postgresql() else _DAY_OF_JSON
    for subscription, written, state in sql.rows(statement, sql.listed([one.pk for one in of]), sql.moment(hours[0])):
        if state in (State.DELIVERED, State.GAVE_UP, State.DUE):  # what waits here has failed at least once
            slot = min(len(hours) - 1, int((sql.read_moment(written) - hours[0]) / HOUR))
            found[subscription][slot].append(state == State.DELIVERED)
    return {one.pk: _last_day(found[one.pk]) for one in of}


def _last_day(hours: list[list[bool]]) -> LastDay:
    shares = tuple(sum(hour) / len(hour) if hour else None for hour in hours)
    return LastDay(sum(map(sum, hours)), sum(map(len, hours)), shares)
