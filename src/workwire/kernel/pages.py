"""Cursor pages: a stable way through a long list, newest first, without counting it.

Cursors are opaque to whoever gets one: how many rows of everybody there are is nobody's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cryptography.fernet import InvalidToken
from django.db.models import Model, QuerySet

from workwire.kernel import crypto
from workwire.kernel.errors import Invalid

M = TypeVar("M", bound=Model)
MOST = 200
_MARK = "cursor:"


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


def cursor_at(pk: int) -> str:
    """The cursor of a page that begins behind the row with an id: 119 characters for any id, none of which a URL escapes."""
    return crypto.seal(f"{_MARK}{pk:019}").rstrip("=")


def place_of(cursor: str) -> int:
    """The id behind which a page begins; raises Invalid for a cursor not ours."""
    try:
        mark, _, number = crypto.unseal(cursor + "=" * (-len(cursor) % 4)).partition(":")
    except (InvalidToken, UnicodeEncodeError):
        mark, number = "", ""
    if f"{mark}:" != _MARK:
        raise Invalid("cursor_invalid", "The cursor is not one this list gave out.", field="cursor")
    return int(number)
