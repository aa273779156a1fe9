"""The list of work items: one's own, what is open, or all one may see; narrowed, sorted, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.kernel.pages import Page, place_of, sorted_page
from workwire.kernel.pages import page as newest_page
from workwire.kernel.text import is_storable
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import lists, queries
from workwire.rooms.work.queries import ProcessType, WorkItem
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Column, Empty, Link, Pager, address
from workwire.web.work.item_parts import Row, row

MOST_COUNTED, MOST = 1000, 50
LONGEST_TEXT = 200
_NEWEST = "-created"
_VIEWS = {
    "mine": (gettext_lazy("My work"), gettext_lazy("Work that is assigned to you appears here.")),
    "open": (gettext_lazy("Open work"), gettext_lazy("Work that is not finished and that you may see appears here.")),
    "all": (gettext_lazy("All work"), gettext_lazy("All work that you may see appears here.")),
}
_KINDS = {
    "": (None, gettext_lazy("All")),
    "ticket": (ProcessType.TICKET, gettext_lazy("Tickets")),
    "case": (ProcessType.CASE, gettext_lazy("Cases")),
    "action": (ProcessType.ACTION, gettext_lazy("Actions")),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of a list asks for."""

    view: str
    kind: str
    customer: str
    contact: str
    text: str
    sort: str

    def address(self, **changes: str | None) -> str:
        """The address of this list with something else, at its beginning."""
        return address(reverse("work"), dict(self.narrowing) | {"view": self.view, "text": self.text}, **changes)

    @property
    def narrowing(self) -> tuple[tuple[str, str], ...]:
        """What a new text keeps of the address."""
        return (
            ("kind", self.kind),
            ("customer", self.customer),
            ("contact", self.contact),
            ("sort", self.sort),
        )


@dataclass(frozen=True, slots=True)
class WorkList:
    """What the page shows."""

    title: str | Promise
    count: str
    zone: str
    kinds: tuple[Link, ...]
    chips: tuple[Chip, ...]
    wanted: Wanted
    columns: dict[str, Column]
    rows: tuple[Row, ...]
    pager: Pager
    empty: Empty


@page("work/list.html")
def work(visit: Visit) -> WorkList:
    """The list as its address asks; what it does not know counts as not given."""
    wanted, chips = _wanted(visit)
    found, now = _found(wanted, visit.actor), clock.now()
    part = part_of(visit, lambda cursor: _page(found, wanted, visit.actor, cursor), wanted.address())
    title, sentence = _VIEWS[wanted.view]
    return WorkList(
        title=title,
        count=_counted(found),
        zone=visit.look.zone_name,
        kinds=tuple(
            Link(words, wanted.address(kind=name), name == wanted.kind) for name, (_kind, words) in _KINDS.items()
        ),
        chips=chips,
        wanted=wanted,
        columns=_columns(wanted),
        rows=tuple(row(item, now) for item in part.rows),
        pager=part.pager,
        empty=_empty(wanted, sentence),
    )


def _wanted(visit: Visit) -> tuple[Wanted, tuple[Chip, ...]]:
    """What is asked for, and chips for what it is limited to; raises NotFound for a customer or contact that is not seen."""
    given = visit.request.GET
    view, kind, customer = given.get("view", ""), given.get("kind", ""), given.get("customer", "")
    wanted = Wanted(
        view=view if view in _VIEWS else "mine",
        kind=kind if kind in _KINDS else "",
        customer=customer if parse_guid(customer) else "",
        contact=contact if parse_guid(contact := given.get("contact", "")) else "",
        text=text if is_storable(text := given.get("text", "").strip()[:LONGEST_TEXT]) else "",
        sort=sort if (sort := given.get("sort", "")) in lists.ORDERS else "",
    )
    chips = []
    if wanted.customer:
        name = _customer(UUID(wanted.customer), visit.actor)
        chips.append(Chip(_("Customer is"), name, wanted.address(customer=None)))
    if wanted.contact:
        name = parties.contact(UUID(wanted.contact), by=visit.actor).full_name
        chips.append(Chip(_("Contact is"), name, wanted.address(contact=None)))
    if wanted.text:
        chips.append(Chip(_("Title has"), wanted.text, wanted.address(text=None)))
    return wanted, tuple(chips)


def _customer(guid: UUID, actor: Actor) -> str:
    """The name of a customer; who sees a work item sees whose it is, without seeing the company itself."""
    item = queries.items_visible_to(actor).filter(customer__guid=guid).order_by().first()
    return item.customer.name if item is not None else parties.company(guid, by=actor).name


def _found(wanted: Wanted, actor: Actor, *, in_any_state: bool = False) -> QuerySet[WorkItem]:
    items = queries.items_visible_to(actor)
    if wanted.view != "all" and not in_any_state:
        items = items.filter(status__in=queries.OPEN)
    if wanted.view == "mine":
        items = items.filter(queries.held_by(actor.user_id or 0))
    narrower = lists.Wanted(
        kind=_KINDS[wanted.kind][0],
        text=wanted.text or None,
        customer=parse_guid(wanted.customer),
        contact=parse_guid(wanted.contact),
    )
    return lists.narrowed(items, narrower)


def _page(found: QuerySet[WorkItem], wanted: Wanted, actor: Actor, cursor: str | None) -> Page[WorkItem]:
    order = lists.ORDERS[wanted.sort or _NEWEST]
    if order is not None:
        return sorted_page(found, order, cursor=cursor)
    if wanted.view == "open" and not (wanted.text or wanted.customer or wanted.contact):
        items = _found(wanted, actor, in_any_state=True)
        before = items.filter(pk__lt=place_of(cursor)) if cursor else items
        found = lists.newest_in(queries.OPEN, before, MOST + 1)
    elif wanted.view == "mine":
        before = found.filter(pk__lt=place_of(cursor)) if cursor else found
        found = lists.newest_by_id(queries.items_visible_to(actor), before, MOST + 1)
    return newest_page(found, limit=MOST, cursor=cursor)


def _columns(wanted: Wanted) -> dict[str, Column]:
    """The heads that sort: by when an item was created, and by when it is due, soonest first and then latest."""
    sort = wanted.sort or _NEWEST
    directions = {"due": "asc", "-due": "desc"}
    return {
        "reference": Column(
            _("Reference"), sort=wanted.address(sort=None), direction="desc" if sort == _NEWEST else ""
        ),
        "due": Column(
            _("Due"),
            sort=wanted.address(sort="-due" if sort == "due" else "due"),
            direction=directions.get(sort, ""),
        ),
    }


def _counted(found: QuerySet[WorkItem]) -> str:
    """How many there are, exact up to a thousand."""
    count = found.values("pk").order_by()[: MOST_COUNTED + 1].count()
    if count > MOST_COUNTED:
        return _("more than %(count)s items") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    return ngettext("%(count)s item", "%(count)s items", count) % {"count": number_format(count, force_grouping=True)}


def _empty(wanted: Wanted, sentence: str | Promise) -> Empty:
    title, step = _("Nothing here"), None
    if wanted.kind or wanted.customer or wanted.contact or wanted.text:
        sentence = _("No work fits these filters.")
        step = Link(_("Take the filters off"), wanted.address(kind=None, customer=None, contact=None, text=None))
    elif wanted.view == "mine":
        step = Link(_("See open work"), wanted.address(view="open"))
    return Empty("inbox", title, sentence, step)
