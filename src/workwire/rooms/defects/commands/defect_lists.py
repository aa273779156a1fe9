"""Defect categories of a service line, and parties at fault: what a defect is chosen from."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.defects import events
from workwire.rooms.defects.models import DefectCategory, DefectParty
from workwire.rooms.offering.models import ServiceLine

DEEPEST = 3


@transaction.atomic
def create_category(line: ServiceLine, name: str, *, by: Actor, parent: DefectCategory | None = None) -> DefectCategory:
    """Make a defect category of a service line, below another one or at the top; raises Conflict for a name taken there."""
    require(by, features.PROCESSES)
    if parent is not None and (parent.service_line_id != line.pk or parent.level >= DEEPEST):
        raise Invalid("defect_parent_invalid", field="parent", most=DEEPEST)
    made = DefectCategory(
        service_line=line, parent=parent, level=parent.level + 1 if parent else 1, name=text.name(name)
    )
    _save(made)
    _record_category(events.DefectCategoryCreated, made, by, added(made))
    return made


@transaction.atomic
def update_category(
    category: DefectCategory,
    *,
    by: Actor,
    version: int | None = None,
    name: str | None = None,
    retired: bool | None = None,
) -> DefectCategory:
    """Rename or retire a defect category; defects keep it. Nobody names a retired one anew, nor one below it."""
    require(by, features.PROCESSES)
    rows = DefectCategory.objects.select_related("service_line", "parent").select_for_update(of=("self",))
    found = rows.get(pk=category.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.defect_category")
    changes = _changed(found, name, retired)
    if changes:
        _record_category(events.DefectCategoryUpdated, found, by, changes)
    return found


@transaction.atomic
def create_party(name: str, *, by: Actor) -> DefectParty:
    """Make a party at fault; raises Conflict for a name that another one has."""
    require(by, features.PROCESSES)
    made = DefectParty(name=text.name(name))
    _save(made)
    _record_party(events.DefectPartyCreated, made, by, added(made))
    return made


@transaction.atomic
def update_party(
    party: DefectParty, *, by: Actor, version: int | None = None, name: str | None = None, retired: bool | None = None
) -> DefectParty:
    """Rename or retire a party at fault; defects keep it."""
    require(by, features.PROCESSES)
    found = DefectParty.objects.select_for_update().get(pk=party.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.defect_party")
    changes = _changed(found, name, retired)
    if changes:
        _record_party(events.DefectPartyUpdated, found, by, changes)
    return found


def _changed(row: DefectCategory | DefectParty, name: str | None, retired: bool | None) -> list[RowChange]:
    """Save what differs in a locked row; returns what changed."""
    before = columns(row)
    row.name = row.name if name is None else text.name(name)
    row.retired = row.retired if retired is None else retired
    if columns(row) == before:
        return []
    row.version += 1
    _save(row)
    return altered(row, before)


def _save(row: DefectCategory | DefectParty) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("defect_name_taken", field="name") from error


def _record_category(
    kind: type[events.DefectCategoryBody], row: DefectCategory, by: Actor, changes: list[RowChange]
) -> None:
    body = kind(
        GUID=str(row.guid),
        Name=row.name,
        ServiceLineGUID=str(row.service_line.guid),
        ParentGUID=str(row.parent.guid) if row.parent else None,
        Retired=row.retired,
    )
    record(body, about=Subject(ObjectType.DEFECT_CATEGORY, row.guid), by=by, changes=changes)


def _record_party(kind: type[events.DefectPartyBody], row: DefectParty, by: Actor, changes: list[RowChange]) -> None:
    body = kind(GUID=str(row.guid), Name=row.name, Retired=row.retired)
    record(body, about=Subject(ObjectType.DEFECT_PARTY, row.guid), by=by, changes=changes)
