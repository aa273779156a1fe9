"""The audit: who changed the configuration, accounts, rights and subscriptions, who signed in, from where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features, queries
from workwire.access.policy import require
from workwire.outbox.registry import AUDITED, Area, names_of
from workwire.web.kit import event_filters
from workwire.web.kit.event_filters import EventFilterForm, EventFilters
from workwire.web.kit.ledger_parts import EventRow, rows
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager, Words

_AREAS: dict[Area, Words] = {
    Area.SIGN_INS: gettext_lazy("Sign-ins"),
    Area.RIGHTS: gettext_lazy("Accounts and rights"),
    Area.SETTINGS: gettext_lazy("Settings and jobs"),
    Area.CONFIGURATION: gettext_lazy("Configuration"),
    Area.SUBSCRIPTIONS: gettext_lazy("Subscriptions"),
}


@dataclass(frozen=True, slots=True)
class Audit:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    areas: tuple[Link, ...]
    filters: EventFilters
    chips: tuple[Chip, ...]
    form: EventFilterForm
    rows: tuple[EventRow, ...]
    pager: Pager
    empty: Empty


@page("operate/audit.html")
def audit(visit: Visit) -> Audit:
    """The part of the audit that the address asks for."""
    require(visit.actor, features.AUDIT)
    kinds = names_of(*AUDITED)
    filters = event_filters.read(visit.request.GET, reverse("audit"), kinds, {"area": [area.value for area in AUDITED]})
    wanted = filters.wanted(visit.actor, _names(filters, kinds))
    part = part_of(visit, lambda cursor: queries.audit(wanted, by=visit.actor, cursor=cursor), filters.address())
    return Audit(
        crumbs=(Link(_("Operate"), reverse("operate")), Link(_("Audit"), is_here=True)),
        zone=visit.look.zone_name,
        areas=_areas(filters),
        filters=filters,
        chips=filters.chips(),
        form=EventFilterForm(filters, _names(filters, kinds), without=("record",)),
        rows=rows(part.rows, values_for=visit.actor),
        pager=part.pager,
        empty=Empty(
            "shield-check",
            _("Nothing here"),
            _("Nothing that is audited fits these filters."),
            Link(_("Take the filters off"), reverse("audit")),
        ),
    )


def _names(filters: EventFilters, kinds: Collection[str]) -> Collection[str]:
    return names_of(Area(filters.given["area"])) if "area" in filters.given else kinds


def _areas(filters: EventFilters) -> tuple[Link, ...]:
    chosen = filters.given.get("area", "")
    everything = Link(_("All"), filters.address(area=None, kind=None), not chosen)
    return everything, *(
        Link(words, filters.address(area=area.value, kind=None), area == chosen) for area, words in _AREAS.items()
    )
