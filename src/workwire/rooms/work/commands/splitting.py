"""A ticket that asks for more than one thing is split into several; one that asks for a case becomes one.

It waits for what was made of it, and is closed by the clock once all of that is closed: whoever closes the last of it holds
that row, and must not go on to one that lies before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack
from uuid import UUID

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import data_search, policy, relations, transitions
from workwire.rooms.work.commands import deed_checks
from workwire.rooms.work.commands.changing import (
    Change,
    Changes,
    locked,
    reason_for,
    require_may_work,
)
from workwire.rooms.work.commands.linking import at_version, go_on_in, locked_together, pass_links_on, relate
from workwire.rooms.work.commands.one_time_copies import Copied, copy_from_rooms
from workwire.rooms.work.commands.starting import started
from workwire.rooms.work.models import RelationKind, ResolutionMethod, Status, StatusReason, WorkItem

FEWEST_PARTS, MOST_PARTS = 2, 20


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tickets that a ticket is split into; what is not given is that of the ticket. A part of another process needs
    a category of it."""

    title: str | None = None
    description: str | None = None
    version_guid: UUID | None = None
    category_guid: UUID | None = None


@transaction.atomic
def split(ticket: WorkItem, parts: Sequence[Part], *, by: Actor, version: int | None = None) -> list[WorkItem]:
    """Split a ticket into 2 to 20 new ones, which it waits for; returns the new ones.

    Each is counted from the start of the ticket, and gets copies of its custom data, contacts, files and defects; the last are
    told by the event of the ticket.
    """
    require_may_work(by)
    change = Change(locked(ticket.pk, by=by, version=version), by=by)
    deed_checks.split(change.item, by=by)
    if not FEWEST_PARTS <= len(parts) <= MOST_PARTS:
        raise Invalid("split_parts_invalid", field="parts", least=FEWEST_PARTS, most=MOST_PARTS)
    made = [_part(change, part) for part in parts]
    change.touch(pass_links_on(change.item, made, change))
    change.touch(copy_from_rooms({Copied.DEFECTS}, change.item, made, by=by, at=change.at))
    _divide(change, ResolutionMethod.SPLIT)
    return made


@transaction.atomic
def convert(
    ticket: WorkItem, version_guid: UUID, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]
) -> WorkItem:
    """Start a case of a live process for a ticket, which lies above it and waits for its end; returns the case.

    The case has the number of the ticket, its title and description unless others are given, and copies of its contacts; they
    are one family, which shares custom data and shows files, defects and what was said at both.
    """
    require_may_work(by)
    rows = locked_together([ticket], by=by, going_on=[ticket])
    change = Change(at_version(rows[ticket.pk], version), by=by)
    item = change.item
    deed_checks.convert(item, by=by)
    process = offering.live_version(version_guid, by=by, kind=ProcessType.CASE)
    fields: Changes = {"title": item.title, "description": item.description, **changes}
    case = started(ProcessType.CASE, process, fields, at_once=True, by=by, parent=item, origin=item)
    go_on_in(change, case, rows)
    data_search.note_handed_over(item)
    item.family, item.custom_data = case, {}  # the case keeps it for both from now on
    change.touch(relate(case, RelationKind.CONVERTED_FROM, item, change) + pass_links_on(item, [case], change))
    _divide(change, ResolutionMethod.CASE_LAUNCHED)
    return case


def complete_divided(item: WorkItem, *, by: Actor) -> WorkItem:
    """Close a ticket when all that was made of it is closed, resolved when the last of that was. Only the clock (the system)
    does so, which has locked it; raises Conflict while something is open."""
    policy.require(policy.is_system(by), "system_only.related_work")
    change = Change(item, by=by)
    made = relations.made_of(item)
    if not made or any(one.status != Status.CLOSED for one in made):
        raise Conflict("related_work_open")
    last = max(made, key=lambda one: one.resolved_on or one.created_at)
    was_split = item.resolution_method == ResolutionMethod.SPLIT
    reason = StatusReason.ALL_SPLIT_TICKETS_COMPLETED if was_split else StatusReason.ALL_CHILDREN_COMPLETED
    resolved_on = last.resolved_on or change.at
    after = transitions.complete(
        change.standing, reason, who=last.resolved_by_id, resolved_on=resolved_on, at=change.at
    )
    change.move(after)
    return change.done()


def _part(change: Change, part: Part) -> WorkItem:
    """Make one of the tickets that a ticket is split into."""
    item, by = change.item, change.by
    other = part.version_guid if part.version_guid != item.process_version.guid else None
    process = item.process_version if other is None else offering.live_version(other, by=by, kind=ProcessType.TICKET)
    fields: Changes = {
        "title": item.title if part.title is None else part.title,
        "description": item.description if part.description is None else part.description,
        "category_guid": part.category_guid or (item.category.guid if other is None and item.category else None),
        "schedule_period": item.schedule_period.guid if other is None and item.schedule_period else None,
    }
    made = started(ProcessType.TICKET, process, fields, at_once=True, by=by, origin=item)
    change.touch(relate(made, RelationKind.SPLIT_FROM, item, change))
    return made


def _divide(change: Change, method: ResolutionMethod) -> None:
    change.move(transitions.divide(change.standing, method, reason_for(change.by)))
    change.done()
