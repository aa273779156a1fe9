"""What is offered: service lines, live process versions, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.api import versions
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import In, Listing, Name, answers, listing
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.catalogue import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.catalogue.models import ProcessVersion, Schedule, ServiceLine

router = Router(tags=["catalogue"])


class ServiceLineOut(Schema):
    """A service line."""

    guid: str
    name: str
    description: str
    retired: bool


class CategoryOut(Schema):
    """A ticket category; `parent` is the one above it."""

    guid: str
    name: str
    level: int
    parent: str | None


class VersionOut(Schema):
    """A live process version that work can be started with."""

    guid: str
    process: str
    name: str
    kind: str
    number: int
    customer: str
    contract: str
    service: str


class VersionDetail(VersionOut):
    """A live process version with the categories of a ticket."""

    categories: list[CategoryOut]


class ScheduleIn(In):
    """A schedule to make."""

    name: Name
    description: str = ""


class ScheduleChange(In):
    """What is to be changed of a schedule; what is left out stays."""

    name: Name | None = None
    description: str | None = None
    state: Literal["Resumed", "Paused"] | None = None
    retired: bool | None = None


class ScheduleOut(Schema):
    """A schedule."""

    guid: str
    name: str
    description: str
    state: str
    retired: bool
    version: int


@router.get("/service-lines", response=answers(Listing[ServiceLineOut]), operation_id="list_service_lines")
def list_service_lines(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """All service lines."""
    return listing(page(queries.service_lines(), **paging.arguments()), _service_line, actor(request))


@router.get("/process-versions", response=answers(Listing[VersionOut]), operation_id="list_process_versions")
def list_process_versions(
    request: HttpRequest, paging: Query[PageQuery], kind: Literal["ticket", "case"] | None = None
) -> dict[str, Any]:
    """Live process versions the account may start work with."""
    by = actor(request)
    kinds = {"ticket": queries.ProcessType.TICKET, "case": queries.ProcessType.CASE}
    found = queries.startable(by, kinds.get(kind or ""))
    return listing(page(found, **paging.arguments()), _version, by)


@router.get("/process-versions/{uuid:guid}", response=answers(VersionDetail), operation_id="get_process_version")
def get_process_version(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """One live process version."""
    by = actor(request)
    found = queries.live_version(guid, by=by)
    categories = [
        {
            "guid": str(row.guid),
            "name": row.name,
            "level": row.level,
            "parent": str(row.parent.guid) if row.parent else None,
        }
        for row in queries.categories_of(found)
    ]
    return _version(found, by) | {"categories": categories}


@router.get("/schedules", response=answers(Listing[ScheduleOut]), operation_id="list_schedules")
def list_schedules(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """Schedules the account may see."""
    by = actor(request)
    return listing(page(queries.schedules_visible_to(by), **paging.arguments()), _schedule, by)


@router.post("/schedules", response=answers(ScheduleOut, 201), operation_id="create_schedule")
def create_schedule(request: HttpRequest, wish: ScheduleIn) -> Status[dict[str, Any]]:
    """Make a schedule."""
    by = actor(request)

    def create() -> dict[str, Any]:
        return _schedule(commands.create_schedule(wish.name, by=by, description=wish.description), by)

    return Status(201, once(request, create))


@router.get("/schedules/{uuid:guid}", response=answers(ScheduleOut), operation_id="get_schedule")
def get_schedule(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """One schedule."""
    found = queries.schedule(guid, by=actor(request))
    versions.tag(response, found.version)
    return _schedule(found, actor(request))


@router.patch("/schedules/{uuid:guid}", response=answers(ScheduleOut), operation_id="update_schedule")
def update_schedule(request: HttpRequest, response: HttpResponse, guid: UUID, wish: ScheduleChange) -> dict[str, Any]:
    """Change a schedule."""
    by = actor(request)
    changes: Any = {name: value for name, value in wish.dict(exclude_unset=True).items() if value is not None}
    if "state" in changes:
        changes["state"] = queries.ScheduleState[changes["state"].upper()]
    found = queries.schedule(guid, by=by)
    changed = commands.update_schedule(found, by=by, version=versions.wanted(request), **changes)
    versions.tag(response, changed.version)
    return _schedule(changed, by)


def _service_line(row: ServiceLine, _actor: Actor) -> dict[str, Any]:
    return {"guid": str(row.guid), "name": row.name, "description": row.description, "retired": row.retired}


def _version(row: ProcessVersion, _actor: Actor) -> dict[str, Any]:
    service = row.process.service
    return {
        "guid": str(row.guid),
        "process": str(row.process.guid),
        "name": row.process.work_type.name,
        "kind": row.process.work_type.get_kind_display().lower(),
        "number": row.number,
        "customer": str(service.contract.customer.guid),
        "contract": str(service.contract.guid),
        "service": str(service.guid),
    }


def _schedule(row: Schedule, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "state": row.get_state_display(),
        "retired": row.retired,
        "version": row.version,
    }
