"""New work: choosing a process, among those that one started lately or by words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.rooms.offering import starting_offer
from workwire.rooms.work import policy, started_lately
from workwire.rooms.work.queries import ProcessType
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Empty, Link, address
from workwire.web.work.item_parts import KINDS
from workwire.web.work.new_item import place_of

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion

MOST_OFFERED, MOST_LATELY, LONGEST_TEXT = 50, 6, 200
_KINDS = {
    "": (None, gettext_lazy("All")),
    "ticket": (ProcessType.TICKET, gettext_lazy("Tickets")),
    "case": (ProcessType.CASE, gettext_lazy("Cases")),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A process that work may be started of, and below which customer, contract and service it lies."""

    address: str
    name: str
    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class NewWork:
    """What the page shows."""

    text: str
    kind: str
    kinds: tuple[Link, ...]
    lately: tuple[Offer, ...]
    offers: tuple[Offer, ...]
    more: bool
    empty: Empty


@page("work/new.html")
def new_work(visit: Visit) -> NewWork:
    """Offer the processes that one may start work of."""
    by, given = visit.actor, visit.request.GET
    policy.require(policy.may_start(by), "feature_missing.to_start")
    text = visit.asked("text", LONGEST_TEXT)
    kind = kind if (kind := given.get("kind", "")) in _KINDS else ""
    found = list(starting_offer.offer_found(text, by=by, kind=_KINDS[kind][0])[: MOST_OFFERED + 1])
    here = reverse("new-work")
    return NewWork(
        text=text,
        kind=kind,
        kinds=tuple(
            Link(words, address(here, {"text": text, "kind": name}), name == kind)
            for name, (_kind, words) in _KINDS.items()
        ),
        lately=_lately(visit) if not (text or kind) else (),
        offers=tuple(_offer(one) for one in found[:MOST_OFFERED]),
        more=len(found) > MOST_OFFERED,
        empty=_empty(is_narrow=bool(text or kind)),
    )


def _lately(visit: Visit) -> tuple[Offer, ...]:
    """The processes that one started last, as far as one still may."""
    processes = started_lately.processes_started_lately(visit.actor)[: 2 * MOST_LATELY]
    offered = starting_offer.offer_of(processes, by=visit.actor)
    return tuple(_offer(offered[one]) for one in processes if one in offered)[:MOST_LATELY]


def _offer(version: ProcessVersion) -> Offer:
    process = version.process
    return Offer(
        address=reverse("new-item", args=[process.guid]),
        name=process.work_type.name,
        kind=str(KINDS[ProcessType(process.work_type.kind)]),
        place=place_of(version),
    )


def _empty(*, is_narrow: bool) -> Empty:
    if is_narrow:
        step = Link(_("Show all processes"), reverse("new-work"))
        return Empty("search", _("Nothing here"), _("No process that you may start work of is called so."), step)
    return Empty("layers", _("Nothing here"), _("Processes that are live and that you may start work of appear here."))
