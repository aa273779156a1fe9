"""What is offered: service lines, process versions, schedules and their periods."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import features
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Date, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.api.v1.spelling import KindName, OverrideName, ScheduleStateName, VersionStateName, chosen, spelled
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.commitments.rules import Override
from workwire.rooms.offering import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.offering.models import (
        ActionDefinition,
        CaseStep,
        ProcessVersion,
        Schedule,
        SchedulePeriod,
        ServiceLine,
        TicketCategory,
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


class DueRuleIn(In):
    """When work is due: `amount` of `unit` after (or, negative, before) `base`; `of` names the schedule date or the field."""

    amount: int
    unit: Literal["hours", "working_hours", "days", "working_days"]
    base: Literal["start", "previous_end", "case_start", "schedule_date", "custom_date"] = "start"
    of: str = ""
    adjust: Literal["none", "next_morning", "end_of_day"] = "none"
    add_wait_time: bool = False
    override: OverrideName = "yes"


class CategoryOut(Schema):
    """A ticket category; `parent` is the one above it. `due` is the rule of its tickets where that is not the version's."""

    guid: Guid
    name: str
    level: int
    parent: Guid | None
    due: DueRuleIn | None


class ActionOut(Schema):
    """An action of a case version; a `launchable` one may be started by hand."""

    guid: Guid
    number: int
    branch: int
    position: int
    name: str
    work_type: Guid
    instructions: str
    due: DueRuleIn | None
    queue: Guid | None
    person: Guid | None
    secondary_person: Guid | None
    job_position: Guid | None
    secondary_job_position: Guid | None
    launchable: bool
    effort_per_record: int | None
    checklist: list[str]


class StepOut(Schema):
    """A step of a case version; step 0 holds what is only launched by hand."""

    guid: Guid
    number: int
    name: str
    automatic: bool
    actions: list[ActionOut]


class VersionOut(Schema):
    """A version of a process; work is started with live ones."""

    guid: Guid
    process: Guid
    name: str
    kind: KindName
    number: int
    state: VersionStateName
    customer: Guid
    contract: Guid
    service: Guid


class VersionDetail(VersionOut):
    """A process version with the categories of a ticket or the steps of a case."""

    due: DueRuleIn | None
    queue: Guid | None
    person: Guid | None
    secondary_person: Guid | None
    job_position: Guid | None
    secondary_job_position: Guid | None
    schedule: Guid | None
    requires_primary_contact: bool
    requires_requester: bool
    requires_description: bool
    title_editable: bool
    effort_per_record: int | None
    categories: list[CategoryOut]
    steps: list[StepOut]


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


@router.get("/process-versions/{uuid:guid}", response=answers(VersionDetail), operation_id="get_process_version")
def get_process_version(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one process version: a live one, or any for builders."""
    by = actor(request)
    find = queries.version if by.has(features.PROCESSES) else queries.live_version
    return version_detail(find(guid, by=by), by)


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


def version_detail(row: ProcessVersion, by: Actor) -> dict[str, Any]:
    """A process version with all that is in it."""
    ticket = row.process.work_type.kind == queries.ProcessType.TICKET
    return version_out(row, by) | {
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "schedule": _guid(row.schedule),
        "requires_primary_contact": row.requires_primary_contact,
        "requires_requester": row.requires_requester,
        "requires_description": row.requires_description,
        "title_editable": row.title_editable,
        "effort_per_record": row.effort_per_record,
        "categories": [_category(category) for category in queries.categories_of(row)] if ticket else [],
        "steps": [] if ticket else [_step(step) for step in queries.steps_with_checklists(row)],
    }


def version_out(row: ProcessVersion, _actor: Actor) -> dict[str, Any]:
    """A process version in short."""
    service = row.process.service
    return {
        "guid": str(row.guid),
        "process": str(row.process.guid),
        "name": row.process.work_type.name,
        "kind": spelled(queries.ProcessType(row.process.work_type.kind)),
        "number": row.number,
        "state": spelled(queries.VersionState(row.state)),
        "customer": str(service.contract.customer.guid),
        "contract": str(service.contract.guid),
        "service": str(service.guid),
    }


def _category(row: TicketCategory) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "level": row.level,
        "parent": _guid(row.parent),
        "due": due_out(row.due_rule),
    }


def _step(row: CaseStep) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "number": row.number,
        "name": row.name,
        "automatic": row.automatic,
        "actions": [_action(action) for action in row.actions.all()],
    }


def _action(row: ActionDefinition) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "number": row.number,
        "branch": row.branch,
        "position": row.position,
        "name": row.work_type.name,
        "work_type": str(row.work_type.guid),
        "instructions": row.instructions,
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "launchable": row.launchable,
        "effort_per_record": row.effort_per_record,
        "checklist": [line.description for line in row.checklist.all()],
    }


def allocation_out(row: ProcessVersion | ActionDefinition) -> dict[str, Any]:
    return {field.name: _guid(getattr(row, field.name)) for field in fields(commands.Allocation)}


def _period(row: SchedulePeriod) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "year": row.year,
        "period": row.period,
        "start_date": row.start_date.isoformat(),
        "dates": row.dates,
    }


def due_out(rule: dict[str, Any] | None) -> dict[str, Any] | None:
    """A due date rule as it goes out."""
    if rule is None:
        return None
    return rule | {"override": spelled(Override(rule.get("override", Override.YES)))}


def _guid(record: Any) -> str | None:
    return str(record.guid) if record is not None else None


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
