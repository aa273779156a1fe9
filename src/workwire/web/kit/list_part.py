"""The part of a long list that an address asks for: its rows, and the ways to older and to the newest ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model

from workwire.kernel.errors import Invalid
from workwire.kernel.pages import Page
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Pager

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class ListPart(Generic[M]):
    """A part of a list; `cursor` is empty for its beginning."""

    rows: Sequence[M]
    pager: Pager
    cursor: str


def part_of(visit: Visit, read: Callable[[str | None], Page[M]], here: str) -> ListPart[M]:
    """The part that the cursor of the visited address names, the beginning for a cursor of another list. `read` reads the page
    at a cursor; `here` is the address of the beginning, with the filters of the list."""
    cursor = visit.request.GET.get("cursor", "")
    try:
        found = read(cursor or None)
    except Invalid:
        cursor = ""
        found = read(None)
    return ListPart(found.rows, Pager(_at(found.next_cursor, here), here if cursor else ""), cursor)


def _at(cursor: str | None, here: str) -> str:
    return f"{here}{'&' if '?' in here else '?'}{urlencode({'cursor': cursor})}" if cursor else ""
