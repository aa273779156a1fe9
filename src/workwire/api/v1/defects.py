"""Defects of work items, defect categories of service lines, parties at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Moment, Name, answers, given, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.defects import commands, queries
from workwire.rooms.offering import queries as offering
from workwire.rooms.work import queries as items

if TYPE_CHECKING:
    from workwire.rooms.defects.models import Defect, DefectCategory, DefectParty

router = Router(tags=["defects"])


class DefectIn(In):
    """A defect to add: its category (one without others below it), who is at fault, how many records it affects."""

    category: UUID
    party: UUID | None = None
    description: str = ""
    affected_records: int | None = Field(None, ge=1)


class DefectChange(In):
    """Changes to a defect; what is left out stays, null empties the party and the number of records."""

    category: UUID = LEFT_OUT
    party: UUID | None = LEFT_OUT
    description: str = LEFT_OUT
    affected_records: Annotated[int, Field(ge=1)] | None = LEFT_OUT
    resolved: bool = LEFT_OUT


class DefectOut(Schema):
    """A defect of a work item; `category_path` holds the names of its category from the top, `logged_on_step` the step the
    case was on."""

    guid: Guid
    work_item: Guid
    category: Guid
    category_path: list[str]
    party: Guid | None
    party_name: str | None
    description: str
    affected_records: int | None
    logged_on_step: int | None
    resolved: bool
    resolved_by: Guid | None
    resolved_on: Moment | None
    added_by: Guid | None
    added_at: Moment
    version: int


class DefectCategoryIn(In):
    """A defect category to make, below another one or at the top; at most three levels."""

    name: Name
    parent: UUID | None = None


class DefectListChange(In):
    """Changes to a defect category or party at fault; what is left out stays."""

    name: Name = LEFT_OUT
    retired: bool = LEFT_OUT


class DefectCategoryOut(Schema):
    """A defect category of a service line."""

    guid: Guid
    name: str
    parent: Guid | None
    level: int
    retired: bool
    version: int


class DefectPartyIn(In):
    """A party at fault to make."""

    name: Name


class DefectPartyOut(Schema):
    """A party at fault."""

    guid: Guid
    name: str
    retired: bool
    version: int


@router.get("/work-items/{uuid:guid}/defects", response=answers(Listing[DefectOut]), operation_id="list_defects")
def list_defects(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the defects of a work item, newest first; in self service the list is empty."""
    by = actor(request)
    found = queries.defects_of(items.item(guid, by=by), by=by)
    return listing(page(found, **paging.arguments()), _defect, by)


@router.post("/work-items/{uuid:guid}/defects", response=answers(DefectOut, 201), operation_id="add_defect")
def add_defect(request: HttpRequest, guid: UUID, wish: DefectIn) -> Status[dict[str, Any]]:
    """Add a defect to a work item; this does not assign the item to you."""
    by = actor(request)
    return Status(201, once(request, lambda: _defect(commands.add(items.item(guid, by=by), by=by, **wish.dict()), by)))


@router.get("/defects/{uuid:guid}", response=answers(DefectOut), operation_id="get_defect")
def get_defect(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one defect."""
    by = actor(request)
    return _shown(queries.defect(guid, by=by), response, by)


@router.patch("/defects/{uuid:guid}", response=answers(DefectOut), operation_id="update_defect")
def update_defect(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[DefectChange]
) -> dict[str, Any]:
    """Change or resolve a defect; a setting may leave changes, but not resolving, to who added it."""
    by = actor(request)
    found = queries.defect(guid, by=by)
    return _shown(commands.change(found, by=by, version=etags.wanted(request), **given(wish)), response, by)


@router.delete("/defects/{uuid:guid}", response=answers(None, 204), operation_id="remove_defect")
def remove_defect(request: HttpRequest, guid: UUID) -> Status[None]:
    """Remove a defect while its work item is in progress."""
    by = actor(request)
    commands.remove(queries.defect(guid, by=by), by=by)
    return Status(204, None)


@router.get(
    "/service-lines/{uuid:guid}/defect-categories",
    response=answers(Listing[DefectCategoryOut]),
    operation_id="list_defect_categories",
)
def list_categories(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the defect categories of a service line."""
    by = actor(request)
    return listing(page(queries.categories(guid, by=by), **paging.arguments()), _category, by)


@router.post(
    "/service-lines/{uuid:guid}/defect-categories",
    response=answers(DefectCategoryOut, 201),
    operation_id="create_defect_category",
)
def create_category(request: HttpRequest, guid: UUID, wish: DefectCategoryIn) -> Status[dict[str, Any]]:
    """Create a defect category of a service line."""
    by = actor(request)

    def create() -> dict[str, Any]:
        parent = queries.category(wish.parent, by=by) if wish.parent is not None else None
        line = offering.service_line(guid)
        return _category(commands.create_category(line, wish.name, by=by, parent=parent), by)

    return Status(201, once(request, create))


@router.patch(
    "/defect-categories/{uuid:guid}", response=answers(DefectCategoryOut), operation_id="update_defect_category"
)
def update_category(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[DefectListChange]
) -> dict[str, Any]:
    """Rename or retire a defect category; defects keep it."""
    by = actor(request)
    found = queries.category(guid, by=by)
    changed = commands.update_category(found, by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _category(changed, by)


@router.get("/defect-parties", response=answers(Listing[DefectPartyOut]), operation_id="list_defect_parties")
def list_parties(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the parties at fault."""
    by = actor(request)
    return listing(page(queries.parties_at_fault(by=by), **paging.arguments()), _party, by)


@router.post("/defect-parties", response=answers(DefectPartyOut, 201), operation_id="create_defect_party")
def create_party(request: HttpRequest, wish: DefectPartyIn) -> Status[dict[str, Any]]:
    """Create a party at fault."""
    by = actor(request)
    return Status(201, once(request, lambda: _party(commands.create_party(wish.name, by=by), by)))


@router.patch("/defect-parties/{uuid:guid}", response=answers(DefectPartyOut), operation_id="update_defect_party")
def update_party(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[DefectListChange]
) -> dict[str, Any]:
    """Rename or retire a party at fault; defects keep it."""
    by = actor(request)
    found = queries.party_at_fault(guid, by=by)
    changed = commands.update_party(found, by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _party(changed, by)


def _shown(row: Defect, response: HttpResponse, by: Actor) -> dict[str, Any]:
    etags.tag(response, row.version)
    return _defect(row, by)


def _defect(row: Any, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "work_item": str(row.work_item.guid),
        "category": str(row.category.guid),
        "category_path": [level.name for level in queries.path_of(row.category)],
        "party": str(row.party.guid) if row.party else None,
        "party_name": row.party.name if row.party else None,
        "description": row.description,
        "affected_records": row.affected_records,
        "logged_on_step": row.logged_on_step,
        "resolved": row.resolved_on is not None,
        "resolved_by": str(row.resolved_by.guid) if row.resolved_by else None,
        "resolved_on": rfc3339(row.resolved_on),
        "added_by": str(row.added_by.guid) if row.added_by else None,
        "added_at": rfc3339(row.added_at),
        "version": row.version,
    }


def _category(row: DefectCategory, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "parent": str(row.parent.guid) if row.parent else None,
        "level": row.level,
        "retired": row.retired,
        "version": row.version,
    }


def _party(row: DefectParty, _actor: Actor) -> dict[str, Any]:
    return {"guid": str(row.guid), "name": row.name, "retired": row.retired, "version": row.version}
