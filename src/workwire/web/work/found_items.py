"""Finding another work item, to which something is done together with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from workwire.kernel import clock
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Empty, Link, Words
from workwire.web.work.item_parts import Row, address_of, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workwire.rooms.work.models import WorkItem

TEMPLATE = "work/find_item.html"
FEWEST_CHARACTERS, LONGEST_TEXT = 2, 200


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item that was found, and where one goes on with it."""

    row: Row
    guid: str
    address: str


@dataclass(frozen=True, slots=True)
class FindItem:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    title: Words
    item: str
    help: Words
    here: str
    back: str
    text: str
    found: tuple[FoundItem, ...]
    button: Words
    more: Link | None
    empty: Empty | None
    refusal: str = ""


def text_of(visit: Visit) -> str:
    """The words that one looks for; empty for too few characters."""
    text = visit.asked("text", LONGEST_TEXT)
    return text if len(text) >= FEWEST_CHARACTERS else ""


def find_item(
    item: WorkItem,
    found: Iterable[WorkItem],
    *,
    title: Words,
    here: str,
    text: str,
    help_text: Words,
    choose: str = "",
    button: Words = "",
    more: Link | None = None,
) -> FindItem:
    """The page on which one finds another item; each of those found leads to `here` with its GUID as `choose`, or several are
    sent there by a button."""
    now = clock.now()
    rows = tuple(FoundItem(row(one, now), str(one.guid), f"{here}?{choose}={one.guid}") for one in found)
    return FindItem(
        crumbs=(Link(item.reference or _("Draft"), address_of(item)), Link(title, is_here=True)),
        title=title,
        item=item.title,
        help=help_text,
        here=here,
        back=address_of(item),
        text=text,
        found=rows,
        button=button,
        more=more,
        empty=None if rows or not text else Empty("search", _("Nothing here"), _("No work item fits these words.")),
    )
