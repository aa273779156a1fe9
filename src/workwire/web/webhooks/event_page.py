"""The page of an event: what changed, its body, its place in the ledger, and where it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import NotFound
from workwire.reactions.webhooks import explorer
from workwire.reactions.webhooks.explorer import Event
from workwire.rooms.work import queries as work
from workwire.web.kit import ledger_parts, parts
from workwire.web.kit.ledger_parts import EventRow
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link
from workwire.web.webhooks.delivery_parts import address_of, name_of, state_of


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery of the event."""

    state: parts.State
    to: str
    address: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventPage:
    """What the page shows. `changes_known` is false for an event from before changes were kept; `deliveries` is None for who
    has no subscriptions."""

    crumbs: tuple[Link, ...]
    event: EventRow
    guid: str
    name: str
    record: Link
    record_guid: str
    all_of_record: str
    changes_known: bool
    body: str
    deliveries: tuple[Sent, ...] | None
    zone: str


@page("webhooks/event.html")
def event(visit: Visit, guid: UUID) -> EventPage:
    """One event."""
    actor = visit.actor
    found = explorer.event(guid, by=actor)
    (row,) = ledger_parts.rows([found], values_for=actor)
    of_record = str(found.work_item_guid or found.record_guid)
    return EventPage(
        crumbs=(Link(_("Events"), reverse("events")), Link(row.kind, is_here=True)),
        event=row,
        guid=str(found.guid),
        name=found.name,
        record=_record(found, row, actor),
        record_guid=str(found.record_guid),
        all_of_record=f"{reverse('events')}?record={row.reference or of_record}",
        changes_known=found.changes is not None,
        body=orjson.dumps(orjson.loads(found.body), option=orjson.OPT_INDENT_2).decode(),
        deliveries=_deliveries(found, actor),
        zone=visit.look.zone_name,
    )


def _record(found: Event, row: EventRow, actor: Actor) -> Link:
    """The record, with the address of its page where it has one that the actor may see."""
    words = " ".join(filter(None, (row.reference, row.title))) or _("(no title)")
    if found.work_item_guid is None:
        return Link(words)
    try:
        item = work.item(found.work_item_guid, by=actor)
    except NotFound:
        return Link(words)
    return Link(words, reverse("work-item", args=[item.guid]))


def _deliveries(found: Event, actor: Actor) -> tuple[Sent, ...] | None:
    if not explorer.may_see_deliveries(actor):
        return None
    now = clock.now()
    return tuple(
        Sent(state_of(one, now), name_of(one.subscription), address_of(one), one.created_at)
        for one in explorer.deliveries_of(found, by=actor)
    )
