"""Cursor pages: a stable way through a long list, newest first or in another order, without counting it.

Cursors are opaque, so that they do not tell how many rows there are in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cryptography.fernet import InvalidToken
from django.db.models import Model, Q, QuerySet

from workwire.kernel import crypto
from workwire.kernel.errors import Invalid

M = TypeVar("M", bound=Model)
MOST = 200
_MARK = "cursor:"


@dataclass(frozen=True, slots=True)
class Order:
    """By a column that holds moments, rows with the same by id; where it is `nullable`, rows without a moment come last."""

    column: str
    falling: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of rows and the cursor of the next, None at the end."""

    rows: Sequence[M]
    next_cursor: str | None


def page(rows: QuerySet[M, Any], *, limit: int = 50, cursor: str | None = None) -> Page[M]:
    """Return at most `limit` (1 to 200) rows by falling id, after `cursor`; raises Invalid for a cursor not ours."""
    limit = max(1, min(limit, MOST))
    if cursor:
        rows = rows.filter(pk__lt=place_of(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], cursor_at(found[limit - 1].pk) if more else None)


def sorted_page(rows: QuerySet[M, Any], order: Order, *, limit: int = 50, cursor: str | None = None) -> Page[M]:
    """Return at most `limit` (1 to 200) rows in an order, after `cursor`; raises Invalid for a cursor not of this order."""
    limit = max(1, min(limit, MOST))
    moment, pk = _moment_and_id(order, cursor) if cursor else (None, None)
    found: list[M] = []
    if pk is None or moment is not None:
        found = list(_with_moment(rows, order, moment, pk)[: limit + 1])
        pk = None  # rows without a moment come from their first on
    if order.nullable and len(found) <= limit:
        found += _without_moment(rows, order, pk)[: limit + 1 - len(found)]
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    moment = getattr(last, order.column)
    return Page(found[:limit], _seal(f"{_mark(order)}{moment.isoformat() if moment else ''}/{last.pk}"))


def cursor_at(pk: int) -> str:
    """The cursor of a page that begins behind the row with an id: 119 characters for any id, none of which a URL escapes."""
    return _seal(f"{_MARK}{pk:019}")


def place_of(cursor: str) -> int:
    """The id behind which a page begins; raises Invalid for a cursor not ours."""
    return int(_unsealed(cursor, _MARK))


def _moment_and_id(order: Order, cursor: str) -> tuple[datetime | None, int]:
    moment, _, pk = _unsealed(cursor, _mark(order)).partition("/")
    return datetime.fromisoformat(moment) if moment else None, int(pk)


def _with_moment(rows: QuerySet[M, Any], order: Order, moment: datetime | None, pk: int | None) -> QuerySet[M, Any]:
    """The rows that have a moment, in an order, behind a place. Apart from those without, they are one walk along an index of
    moment and id in either direction, wherever it begins; PostgreSQL keeps nulls at one end of an index only."""
    column, way = order.column, "lt" if order.falling else "gt"
    if order.nullable:
        rows = rows.filter(**{f"{column}__isnull": False})
    if moment is not None:
        behind = Q(**{f"{column}__{way}": moment}) | Q(**{f"pk__{way}": pk})
        rows = rows.filter(behind, **{f"{column}__{way}e": moment})
    sign = "-" if order.falling else ""
    return rows.order_by(sign + column, f"{sign}pk")


def _without_moment(rows: QuerySet[M, Any], order: Order, pk: int | None) -> QuerySet[M, Any]:
    """The rows without a moment, behind an id."""
    rows = rows.filter(**{f"{order.column}__isnull": True})
    if pk is not None:
        rows = rows.filter(**{f"pk__{'lt' if order.falling else 'gt'}": pk})
    return rows.order_by("-pk" if order.falling else "pk")


def _mark(order: Order) -> str:
    return f"sorted:{'-' if order.falling else ''}{order.column}:"


def _seal(place: str) -> str:
    return crypto.seal(place).rstrip("=")


def _unsealed(cursor: str, mark: str) -> str:
    """What follows the mark of a list in a cursor; raises Invalid for a cursor that is none of that list."""
    try:
        place = crypto.unseal(cursor + "=" * (-len(cursor) % 4))
    except (InvalidToken, UnicodeEncodeError):
        place = ""
    if not place.startswith(mark):
        raise Invalid("cursor_invalid", field="cursor")
    return place.removeprefix(mark)
