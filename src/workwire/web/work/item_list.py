"""The list of work items: one's own, what is open, or all one may see; of one kind or one customer; newest first."""

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
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import page as page_of
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import queries
from workwire.rooms.work.queries import ProcessType, WorkItem
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager, address
from workwire.web.work.item_parts import Row, row

MOST_COUNTED = 1000
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
    cursor: str

    def address(self, **changes: str | None) -> str:
        """The address of this list with something else; it begins anew unless a cursor is given."""
        given = {"view": self.view, "kind": self.kind, "customer": self.customer}
        return address(reverse("work"), given, **changes)


@dataclass(frozen=True, slots=True)
class WorkList:
    """What the page shows."""

    title: str | Promise
    count: str
    zone: str
    kinds: tuple[Link, ...]
    chips: tuple[Chip, ...]
    rows: tuple[Row, ...]
    pager: Pager
    empty: Empty


@page("work/list.html")
def work(visit: Visit) -> WorkList:
    """The list as its address asks; what it does not know counts as not given."""
    wanted, chips = _wanted(visit)
    found, now = _found(wanted, visit.actor), clock.now()
    try:
        part = page_of(found, cursor=wanted.cursor or None)
    except Invalid:
        part = page_of(found)
    title, sentence = _VIEWS[wanted.view]
    return WorkList(
        title=title,
        count=_counted(found),
        zone=visit.look.zone_name,
        kinds=tuple(
            Link(words, wanted.address(kind=name), name == wanted.kind) for name, (_kind, words) in _KINDS.items()
        ),
        chips=chips,
        rows=tuple(row(item, now) for item in part.rows),
        pager=Pager(
            older=wanted.address(cursor=part.next_cursor) if part.next_cursor else "",
            newest=wanted.address() if wanted.cursor else "",
        ),
        empty=_empty(wanted, sentence),
    )


def _wanted(visit: Visit) -> tuple[Wanted, tuple[Chip, ...]]:
    """What is asked for, and a chip for the customer it is limited to; raises NotFound for one that is not seen."""
    given = visit.request.GET
    view, kind, customer = given.get("view", ""), given.get("kind", ""), given.get("customer", "")
    wanted = Wanted(
        view=view if view in _VIEWS else "mine",
        kind=kind if kind in _KINDS else "",
        customer=customer if _is_guid(customer) else "",
        cursor=given.get("cursor", ""),
    )
    if not wanted.customer:
        return wanted, ()
    return wanted, (
        Chip(_("Customer is"), _customer(UUID(wanted.customer), visit.actor), wanted.address(customer=None)),
    )


def _customer(guid: UUID, actor: Actor) -> str:
    """The name of a customer; who sees a work item sees whose it is, without seeing the company itself."""
    item = queries.items_visible_to(actor).filter(customer__guid=guid).order_by().first()
    return item.customer.name if item is not None else parties.company(guid, by=actor).name


def _found(wanted: Wanted, actor: Actor) -> QuerySet[WorkItem]:
    items = queries.items_visible_to(actor)
    if wanted.view != "all":
        items = items.filter(status__in=queries.OPEN)
    if wanted.view == "mine":
        items = items.filter(assignee=actor.user_id or 0)
    kind, _words = _KINDS[wanted.kind]
    if kind is not None:
        items = items.filter(kind=kind)
    return items.filter(customer__guid=wanted.customer) if wanted.customer else items


def _counted(found: QuerySet[WorkItem]) -> str:
    """How many there are, exact up to a thousand."""
    count = found.values("pk").order_by()[: MOST_COUNTED + 1].count()
    if count > MOST_COUNTED:
        return _("more than %(count)s items") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    return ngettext("%(count)s item", "%(count)s items", count) % {"count": number_format(count, force_grouping=True)}


def _empty(wanted: Wanted, sentence: str | Promise) -> Empty:
    title, step = _("Nothing here"), None
    if wanted.kind or wanted.customer:
        sentence = _("No work fits these filters.")
        step = Link(_("Take the filters off"), wanted.address(kind=None, customer=None))
    elif wanted.view == "mine":
        step = Link(_("See open work"), wanted.address(view="open"))
    return Empty("inbox", title, sentence, step)


def _is_guid(written: str) -> bool:
    try:
        UUID(written)
    except ValueError:
        return False
    return True
