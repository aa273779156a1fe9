"""Defects of work items. Each command locks the item and records one change of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from django.db import transaction

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.defects import policy, queries
from workwire.rooms.defects.models import Defect, DefectCategory, DefectParty
from workwire.rooms.work.commands.changing import MOST_RECORDS, Change, locked, require_may_work
from workwire.rooms.work.models import Status, WorkItem

LONGEST_DESCRIPTION = 16 * 1024


class DefectChanges(TypedDict, total=False):
    """What may be changed of a defect; what is not named stays. None empties the party and the number of records."""

    category: UUID
    party: UUID | None
    description: str
    affected_records: int | None
    resolved: bool


@transaction.atomic
def add(
    item: WorkItem,
    category: UUID,
    *,
    by: Actor,
    party: UUID | None = None,
    description: str = "",
    affected_records: int | None = None,
) -> Defect:
    """Add a defect to an item that is not closed, for who may work; this takes nothing.

    Raises Invalid for a category that is retired, has others below it or belongs to another service line.
    """
    require_may_work(by)
    change = Change(locked(item.pk, by=by), by=by)
    _require_not_closed(change.item)
    defect = Defect(work_item=change.item, added_by_id=by.user_id, added_at=change.at)
    defect.logged_on_step = _step_of(change.item)
    wish: DefectChanges = {"category": category, "party": party, "description": description}
    _write(defect, wish | {"affected_records": affected_records})
    defect.save(force_insert=True)
    change.touch(added(defect))
    change.done()
    return queries.defect(defect.guid, by=by)


@transaction.atomic
def change(defect: Defect, *, by: Actor, version: int | None = None, **changes: Unpack[DefectChanges]) -> Defect:
    """Change a defect, resolve it or take that back. Who works resolves every one, also at a closed item; all else needs an
    item that is not closed, and where the setting says so, to have added it."""
    require_may_work(by)
    of_item = Change(locked(defect.work_item_id, by=by), by=by)
    found = _of(of_item.item, defect)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.defect")
    before = columns(found)
    _write(found, changes)
    if columns(found) != before:
        policy.require_may_change(by, found)
        _require_not_closed(of_item.item)
    if (resolved := changes.get("resolved", found.resolved_on is not None)) != (found.resolved_on is not None):
        found.resolved_on, found.resolved_by_id = (of_item.at, by.user_id) if resolved else (None, None)
    if columns(found) != before:
        found.version += 1
        found.save()
        of_item.touch(altered(found, before))
        of_item.done()
    return queries.defect(found.guid, by=by)


@transaction.atomic
def remove(defect: Defect, *, by: Actor) -> None:
    """Remove a defect while its item is in progress, where the setting says so only one that the actor added."""
    require_may_work(by)
    of_item = Change(locked(defect.work_item_id, by=by), by=by)
    found = _of(of_item.item, defect)
    policy.require_may_change(by, found)
    if of_item.item.status != Status.IN_PROGRESS:
        raise Conflict("defect_kept")
    of_item.touch(removed(found))
    found.delete()
    of_item.done()


def copy(origin: WorkItem, made: Sequence[WorkItem], *, by: Actor, at: datetime) -> list[RowChange]:
    """Give new items copies of the defects that the actor sees at another one and its family, if their service line has the
    categories of these; returns what changed."""
    found = list(queries.defects_of(origin, by=by).order_by("pk"))
    copies = [
        Defect(
            work_item=item,
            category_id=one.category_id,
            party_id=one.party_id,
            description=one.description,
            affected_records=one.affected_records,
            added_by_id=by.user_id,
            added_at=at,
            resolved_by_id=one.resolved_by_id,
            resolved_on=one.resolved_on,
        )
        for item in made
        for one in found
        if one.category.service_line_id == item.service.service_line_id
    ]
    return added(*Defect.objects.bulk_create(copies))


def _of(item: WorkItem, defect: Defect) -> Defect:
    """A defect of a locked item as it is now; raises NotFound for one that was removed meanwhile."""
    found = Defect.objects.filter(pk=defect.pk, work_item=item.pk).first()
    if found is None:
        raise not_found("defect")
    found.work_item = item
    return found


def _require_not_closed(item: WorkItem) -> None:
    if item.status == Status.CLOSED:
        raise Conflict("item_completed")


def _step_of(item: WorkItem) -> int | None:
    """The step of the case that an item is, or that an action belongs to."""
    if item.definition is not None:
        return int(item.definition.step.number)
    return int(item.current_step.number) if item.current_step is not None else None


def _write(defect: Defect, changes: DefectChanges) -> None:
    if "category" in changes:
        _write_category(defect, changes["category"])
    if "party" in changes:
        _write_party(defect, changes["party"])
    if "description" in changes:
        defect.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    if "affected_records" in changes:
        count = changes["affected_records"]
        if count is not None and not 1 <= count <= MOST_RECORDS:
            raise Invalid("affected_records_invalid", field="affected_records")
        defect.affected_records = count


def _write_category(defect: Defect, guid: UUID) -> None:
    found = DefectCategory.objects.select_related("parent__parent").filter(guid=guid).first()
    if found is None or found.service_line_id != defect.work_item.service.service_line_id:
        raise Invalid("defect_category_not_of_line", field="category")
    if found.pk == defect.category_id:
        return
    if found.children.exists():
        raise Invalid("defect_category_not_leaf", field="category")
    if any(level.retired for level in queries.path_of(found)):
        raise Invalid("defect_category_retired", field="category", category=found.name)
    defect.category = found


def _write_party(defect: Defect, guid: UUID | None) -> None:
    found = None if guid is None else DefectParty.objects.filter(guid=guid).first()
    if guid is not None and found is None:
        raise Invalid("defect_party_not_found", field="party")
    if found is not None and found.retired and found.pk != defect.party_id:
        raise Invalid("defect_party_retired", field="party", party=found.name)
    defect.party = found
