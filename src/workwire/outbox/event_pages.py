"""The ledger page by page, at the same cost however long it is.

A page is found along the one index that fits what is asked for: first the ids, then, for these alone, the rows that the
caller lets through. Where it lets few of them through, the next ids follow until the page is whole, so that a page is short
only at the end of the list.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from workwire.kernel import pages
from workwire.kernel.pages import Page
from workwire.kernel.statements import any_of, carried_out, listed
from workwire.outbox.models import Event
from workwire.outbox.registry import Area, event_types, names_of

SLACK = timedelta(hours=1)  # by so much may the moments of two events differ from the order of their ids
MOST_AT_ONCE = 2_000
MOST_PLACES = 500  # walked one by one; who sees more sees much of the ledger, and finds it along the whole of it
SYSTEM = 0  # in the place of an account: what the system did by itself
_LAST = 2**63 - 1
_ALONG = (
    "SELECT d.id FROM {places} CROSS JOIN LATERAL (SELECT id FROM outbox_event"
    " WHERE {these} ORDER BY {order} DESC LIMIT {most}) d"
)  # of PostgreSQL
_ALONG_EMBEDDED = (
    "SELECT d.id FROM {places} JOIN outbox_event d ON d.id IN (SELECT id FROM outbox_event"
    " WHERE {these} ORDER BY {order} DESC LIMIT {most})"
)
_Walk = tuple[str, list[Any]]  # a statement that gives ids, and its parameters


@dataclass(frozen=True, slots=True)
class Places:
    """Where all that may be seen lies: in the work of these services, or it is of these records."""

    services: Sequence[UUID] = ()
    records: Sequence[UUID] = ()

    @property
    def are_few(self) -> bool:
        """Whether they can be walked one by one."""
        return len(self.services) + len(self.records) <= MOST_PLACES


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for; what is None does not narrow. `record` is a record, or a work item with what lies in it,
    `account` who did it (`SYSTEM` for nobody)."""

    names: Collection[str] | None = None
    record: UUID | None = None
    account: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    rows: QuerySet[Event], wanted: Wanted, *, places: Places | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Event]:
    """The newest events that are wanted and among `rows`, at most `limit` (1 to 200), after `cursor`. `places`, where they are
    given, hold all of `rows`; raises Invalid for a cursor not ours."""
    limit = max(1, min(limit, pages.MOST))
    below = pages.place_of(cursor) if cursor else _LAST
    if places is not None and wanted.account is not None and _did_little(wanted.account):
        places = None
    first, last = _bounds(wanted)
    found: list[Event] = []
    size = limit + 1
    while True:
        ids = _newest(wanted, places, first, min(below, last), size)
        found += rows.filter(pk__in=ids).order_by("-pk")
        if len(ids) < size or len(found) > limit:
            break
        below, size = ids[-1], min(size * 2, MOST_AT_ONCE)
    more = len(found) > limit
    return Page(found[:limit], pages.cursor_at(found[limit - 1].pk) if more else None)


def _did_little(account: int) -> bool:
    """Whether an account did so little that all of it is looked through sooner than what may be seen."""
    done = Event.objects.filter(actor=None if account == SYSTEM else account)
    return done.order_by().values("pk")[: MOST_AT_ONCE + 1].count() <= MOST_AT_ONCE


def _bounds(wanted: Wanted) -> tuple[int, int]:
    """Between which ids lie the events of the time asked for, roughly."""
    first = 0 if wanted.since is None else _first_from(wanted.since - SLACK) or _LAST
    last = None if wanted.until is None else _first_from(wanted.until + SLACK)
    return first, last or _LAST


def _first_from(moment: datetime) -> int | None:
    found = Event.objects.filter(occurred_at__gte=moment).order_by("occurred_at", "pk")
    return found.values_list("pk", flat=True).first()


def _newest(wanted: Wanted, places: Places | None, first: int, below: int, most: int) -> list[int]:
    """The newest ids between two, so many at most, along the index that leaves the least to be passed over."""
    walks = _walks(wanted, places, _Narrowed.of(wanted, first, below, most))
    inner = " UNION ".join(f"SELECT id FROM ({sql}) w{number}" for number, (sql, _) in enumerate(walks))
    statement = f"SELECT id FROM ({inner}) u ORDER BY id DESC LIMIT {most:d}"
    with carried_out(statement, [value for _, values in walks for value in values]) as cursor:
        return [row[0] for row in cursor.fetchall()]


def _walks(wanted: Wanted, places: Places | None, narrowed: _Narrowed) -> list[_Walk]:
    names = sorted(wanted.names if wanted.names is not None else event_types())
    if wanted.record is not None:
        record = _guids([wanted.record])
        by_name = narrowed if wanted.names is None else narrowed.among(names)
        return [by_name.along("sequence", record_guid=record), by_name.along("id", work_item_guid=record)]
    if places is not None and places.are_few:
        of_work = [name for name in names if name in names_of(Area.WORK)]
        by_name = narrowed if wanted.names is None else narrowed.among(names)
        return [
            narrowed.along("id", service_guid=_guids(places.services), name=of_work),
            by_name.along("sequence", record_guid=_guids(places.records)),
        ]
    if wanted.names is not None or wanted.account is not None:
        return [narrowed.along("id", name=names)]
    return [narrowed.along("id")]


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """Conditions that hold for all that is walked, with their parameters, and how many ids are wanted."""

    conditions: tuple[str, ...]
    given: tuple[Any, ...]
    most: int

    @classmethod
    def of(cls, wanted: Wanted, first: int, below: int, most: int) -> _Narrowed:
        """Between two ids, in the time asked for, by the account."""
        moments = (("occurred_at >= %s", wanted.since), ("occurred_at < %s", wanted.until))
        timed = [(sql, connection.ops.adapt_datetimefield_value(at)) for sql, at in moments if at is not None]
        rest = [("id >= %s", first), ("id < %s", below), *timed]
        if wanted.account not in (None, SYSTEM):
            rest.append(("actor_id = %s", wanted.account))
        by_system = ("actor_id IS NULL",) if wanted.account == SYSTEM else ()
        return cls((*by_system, *(sql for sql, _ in rest)), tuple(value for _, value in rest), most)

    def among(self, names: Sequence[str]) -> _Narrowed:
        """The same, of kinds with some names."""
        return replace(self, conditions=(*self.conditions, any_of("name")), given=(*self.given, listed(names)))

    def along(self, order: str, **columns: Sequence[Any]) -> _Walk:
        """The newest ids for each value of a column, or for each pair of values of two."""
        if not columns:
            conditions = " AND ".join(self.conditions)
            return f"SELECT id FROM outbox_event WHERE {conditions} ORDER BY {order} DESC LIMIT {self.most:d}", [
                *self.given
            ]
        on_postgresql = connection.vendor == "postgresql"
        values = "unnest(CAST(%s AS {kind}[])) AS {name}_(value)" if on_postgresql else "json_each(%s) AS {name}_"
        places = [values.format(name=name, kind="text" if name == "name" else "uuid") for name in columns]
        these = [*(f"{name} = {name}_.value" for name in columns), *self.conditions]
        template = _ALONG if on_postgresql else _ALONG_EMBEDDED
        sql = template.format(
            places=" CROSS JOIN ".join(places), these=" AND ".join(these), order=order, most=int(self.most)
        )
        return sql, [*(listed(found) for found in columns.values()), *self.given]


def _guids(guids: Sequence[UUID]) -> list[Any]:
    return [guid if connection.features.has_native_uuid_field else guid.hex for guid in guids]
