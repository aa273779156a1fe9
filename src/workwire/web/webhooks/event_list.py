"""The event explorer: what happened to the records one may see, narrowed by record, kind, account and time."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access.policy import may_explore
from workwire.kernel.errors import Forbidden
from workwire.reactions.webhooks import explorer
from workwire.web.kit import event_filters
from workwire.web.kit.event_filters import EventFilterForm, EventFilters
from workwire.web.kit.ledger_parts import EventRow, rows
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager


@dataclass(frozen=True, slots=True)
class EventList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    filters: EventFilters
    chips: tuple[Chip, ...]
    form: EventFilterForm
    rows: tuple[EventRow, ...]
    pager: Pager
    empty: Empty


@page("webhooks/events.html")
def events(visit: Visit) -> EventList:
    """The events as the address asks."""
    actor = visit.actor
    if not may_explore(actor):
        raise Forbidden("feature_missing.for_history")
    kinds = explorer.kinds(actor)
    filters = event_filters.read(visit.request.GET, reverse("events"), kinds)
    wanted = filters.wanted(actor)
    part = part_of(visit, lambda cursor: explorer.page(wanted, by=actor, cursor=cursor), filters.address())
    return EventList(
        crumbs=(Link(_("Webhooks")), Link(_("Events"), is_here=True)),
        zone=visit.look.zone_name,
        filters=filters,
        chips=filters.chips(),
        form=EventFilterForm(filters, kinds),
        rows=rows(part.rows),
        pager=part.pager,
        empty=_empty(filters),
    )


def _empty(filters: EventFilters) -> Empty:
    if filters.is_narrow:
        bare = Link(_("Take the filters off"), reverse("events"))
        return Empty("history", _("Nothing here"), _("No event that you may see fits these filters."), bare)
    return Empty("history", _("Nothing happened yet"), _("What happens to the records you may see appears here."))
