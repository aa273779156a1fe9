"""The event explorer: what happened to the records one may see, narrowed by record, kind, account and time."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.kernel.errors import Forbidden, Invalid
from workwire.outbox.event_pages import Wanted
from workwire.reactions.webhooks import explorer
from workwire.web.kit import event_filters
from workwire.web.kit.event_filters import FilterForm, Filters
from workwire.web.kit.ledger_parts import EventRow, rows
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager


@dataclass(frozen=True, slots=True)
class EventList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    filters: Filters
    chips: tuple[Chip, ...]
    form: FilterForm
    rows: tuple[EventRow, ...]
    pager: Pager
    empty: Empty


@page("webhooks/events.html")
def events(visit: Visit) -> EventList:
    """The events as the address asks."""
    actor = visit.actor
    if not explorer.may_explore(actor):
        raise Forbidden("feature_missing.for_history")
    kinds = explorer.kinds(actor)
    filters = event_filters.read(visit.request.GET, reverse("events"), kinds)
    wanted = filters.wanted(actor)
    try:
        part = explorer.page(wanted, by=actor, cursor=filters.cursor or None)
    except Invalid:  # a cursor of another list
        part = explorer.page(wanted, by=actor)
    return EventList(
        crumbs=(Link(_("Webhooks")), Link(_("Events"), is_here=True)),
        zone=visit.look.zone_name,
        filters=filters,
        chips=filters.chips(),
        form=FilterForm(filters, kinds),
        rows=rows(part.rows),
        pager=Pager(
            older=filters.address(cursor=part.next_cursor) if part.next_cursor else "",
            newest=filters.address() if filters.cursor else "",
        ),
        empty=_empty(wanted),
    )


def _empty(wanted: Wanted) -> Empty:
    if wanted != Wanted():
        bare = Link(_("Take the filters off"), reverse("events"))
        return Empty("history", _("Nothing here"), _("No event that you may see fits these filters."), bare)
    return Empty("history", _("Nothing happened yet"), _("What happens to the records you may see appears here."))
