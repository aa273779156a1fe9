"""Choosing the process of new work that is begun from an item: a sub-case, the case a ticket becomes, linked work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from workwire.kernel.errors import not_found
from workwire.kernel.ids import parse_guid
from workwire.rooms.offering import starting_offer
from workwire.rooms.work.queries import ProcessType
from workwire.web.kit.page import Shown, Visit
from workwire.web.kit.parts import Empty, Link, Words
from workwire.web.work.item_parts import KINDS, address_of
from workwire.web.work.new_item import place_of
from workwire.web.work.new_work import LONGEST_TEXT, MOST_OFFERED, Offer

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ProcessVersion
    from workwire.rooms.work.models import WorkItem

TEMPLATE = "work/choose_process.html"


@dataclass(frozen=True, slots=True)
class ProcessChoice:
    """What the page shows; the address of an offer is the GUID of its process, which is asked for on the same page."""

    crumbs: tuple[Link, ...]
    title: Words
    item: str
    here: str
    back: str
    text: str
    offers: tuple[Offer, ...]
    more: bool
    empty: Empty


def case_process(visit: Visit, item: WorkItem, *, title: Words, here: str) -> ProcessVersion | Shown:
    """The live version of the case process that was chosen for the customer of an item, or the only one there is; else the
    page on which it is chosen. Raises NotFound for a process that is none of these."""
    text = visit.asked("text", LONGEST_TEXT)
    offered = starting_offer.offer_for(item.customer.pk, ProcessType.CASE, by=visit.actor, words=text)
    wanted = parse_guid(visit.request.GET.get("process", ""))
    if wanted is not None:
        return _chosen(wanted, item, visit)
    found = list(offered[: MOST_OFFERED + 1])
    if len(found) == 1 and not text:
        return found[0]
    return _page(item, found, title=title, here=here, text=text)


def any_process(visit: Visit, item: WorkItem, *, title: Words, here: str) -> ProcessVersion | Shown:
    """The live version of the process that was chosen for any customer, or the page on which it is chosen. Raises NotFound."""
    wanted = parse_guid(visit.request.GET.get("process", ""))
    if wanted is not None:
        return starting_offer.live_version_of(wanted, by=visit.actor)
    text = visit.asked("text", LONGEST_TEXT)
    found = list(starting_offer.offer_found(text, by=visit.actor)[: MOST_OFFERED + 1])
    return _page(item, found, title=title, here=here, text=text)


def _chosen(wanted: UUID, item: WorkItem, visit: Visit) -> ProcessVersion:
    version = starting_offer.live_version_of(wanted, by=visit.actor)
    is_case = version.process.work_type.kind == ProcessType.CASE
    if not is_case or version.process.service.contract.customer_id != item.customer.pk:
        raise not_found("process")
    return version


def _page(item: WorkItem, found: list[ProcessVersion], *, title: Words, here: str, text: str) -> Shown:
    shown = ProcessChoice(
        crumbs=(Link(item.reference or _("Draft"), address_of(item)), Link(title, is_here=True)),
        title=title,
        item=item.title,
        here=here,
        back=address_of(item),
        text=text,
        offers=tuple(_offer(one) for one in found[:MOST_OFFERED]),
        more=len(found) > MOST_OFFERED,
        empty=Empty("layers", _("Nothing here"), _("No process that you may start work of fits.")),
    )
    return Shown(TEMPLATE, shown)


def _offer(version: ProcessVersion) -> Offer:
    process = version.process
    kind = str(KINDS[ProcessType(process.work_type.kind)])
    return Offer(str(process.guid), process.work_type.name, kind, place_of(version))
