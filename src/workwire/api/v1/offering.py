"""What is offered: service lines, process versions, schedules and their periods."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Date, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.api.v1.spelling import ScheduleStateName, chosen, spelled
from workwire.api.v1.version_shapes import VersionOut, version_out
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.offering import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.offering.models import (
        Schedule,
        SchedulePeriod,
        ServiceLine,
    )

router = Router(tags=["offering"])


class ServiceLineOut(Schema):
    """A service line."""

    guid: Guid
    name: str
    description: str
    retired: bool


class ServiceLineIn(In):
    """A service line to make."""

    name: Name
    description: str = ""


class ScheduleIn(In):
    """A schedule to make."""

    name: Name
    description: str = ""


class ScheduleChange(In):
    """Changes to a schedule; what is left out stays."""

    name: Name = LEFT_OUT
    description: str = LEFT_OUT
    state: ScheduleStateName = LEFT_OUT
    retired: bool = LEFT_OUT


class PeriodIn(In):
    """A period to add to a schedule; `dates` are named ones like ``{"Cut-off": "2026-03-25"}``."""

    year: int
    period: str = Field(min_length=1, max_length=40)
    start_date: date
    dates: dict[str, str] = {}


class PeriodOut(Schema):
    """A period of a schedule."""

    guid: Guid
    year: int
    period: str
    start_date: Date
    dates: dict[str, str]


class ScheduleOut(Schema):
    """A schedule."""

    guid: Guid
    name: str
    description: str
    state: ScheduleStateName
    retired: bool
    version: int


class ScheduleSeen(ScheduleOut):
    """A schedule as it is read; `sequence` is that of the last event these values show."""

    sequence: int


class ScheduleDetail(ScheduleSeen):
    """A schedule with its periods."""

    periods: list[PeriodOut]


@router.get("/service-lines", response=answers(Listing[ServiceLineOut]), operation_id="list_service_lines")
def list_service_lines(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all service lines; for roles that configure processes."""
    by = actor(request)
    return listing(page(queries.service_lines(by=by), **paging.arguments()), _service_line, by)


@router.get("/process-versions", response=answers(Listing[VersionOut]), operation_id="list_process_versions")
def list_process_versions(
    request: HttpRequest, paging: Query[PageQuery], kind: Literal["ticket", "case"] | None = None
) -> dict[str, Any]:
    """List the live process versions you may start work with."""
    by = actor(request)
    kinds = {"ticket": queries.ProcessType.TICKET, "case": queries.ProcessType.CASE}
    found = queries.startable(by, kinds.get(kind or ""))
    return listing(page(found, **paging.arguments()), version_out, by)


@router.post("/service-lines", response=answers(ServiceLineOut, 201), operation_id="create_service_line")
def create_service_line(request: HttpRequest, wish: ServiceLineIn) -> Status[dict[str, Any]]:
    """Create a service line."""
    by = actor(request)
    return Status(201, once(request, lambda: _service_line(commands.create_service_line(by=by, **wish.dict()), by)))


@router.get("/schedules", response=answers(Listing[ScheduleSeen]), operation_id="list_schedules")
def list_schedules(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the schedules you may see."""
    by = actor(request)
    return listing(page(queries.schedules_visible_to(by), **paging.arguments()), _schedule_seen, by)


@router.post("/schedules", response=answers(ScheduleOut, 201), operation_id="create_schedule")
def create_schedule(request: HttpRequest, wish: ScheduleIn) -> Status[dict[str, Any]]:
    """Create a schedule."""
    by = actor(request)

    def create() -> dict[str, Any]:
        return _schedule(commands.create_schedule(wish.name, by=by, description=wish.description), by)

    return Status(201, once(request, create))


@router.get("/schedules/{uuid:guid}", response=answers(ScheduleDetail), operation_id="get_schedule")
def get_schedule(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one schedule with its periods."""
    found = queries.schedule(guid, by=actor(request))
    etags.tag(response, found.version)
    return _schedule_seen(found, actor(request)) | {"periods": [_period(row) for row in found.periods.all()]}


@router.post("/schedules/{uuid:guid}/periods", response=answers(PeriodOut, 201), operation_id="add_period")
def add_period(request: HttpRequest, guid: UUID, wish: PeriodIn) -> Status[dict[str, Any]]:
    """Add a period to a schedule."""
    by = actor(request)
    return Status(
        201, once(request, lambda: _period(commands.add_period(queries.schedule(guid, by=by), by=by, **wish.dict())))
    )


@router.patch("/schedules/{uuid:guid}", response=answers(ScheduleOut), operation_id="update_schedule")
def update_schedule(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ScheduleChange]
) -> dict[str, Any]:
    """Change a schedule."""
    by = actor(request)
    changes = given(wish)
    if "state" in changes:
        changes["state"] = chosen(queries.ScheduleState, changes["state"])
    found = queries.schedule(guid, by=by)
    changed = commands.update_schedule(found, by=by, version=etags.wanted(request), **changes)
    etags.tag(response, changed.version)
    return _schedule(changed, by)


def _service_line(row: ServiceLine, _actor: Actor) -> dict[str, Any]:
    return {"guid": str(row.guid), "name": row.name, "description": row.description, "retired": row.retired}


def _period(row: SchedulePeriod) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "year": row.year,
        "period": row.period,
        "start_date": row.start_date.isoformat(),
        "dates": row.dates,
    }


def _schedule_seen(row: Any, by: Actor) -> dict[str, Any]:
    return _schedule(row, by) | {"sequence": row.sequence}


def _schedule(row: Schedule, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "state": spelled(queries.ScheduleState(row.state)),
        "retired": row.retired,
        "version": row.version,
    }
