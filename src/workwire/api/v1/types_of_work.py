"""Types of work: what they say, their checklists, the steps that all processes of a case type have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import features
from workwire.access.policy import require
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.drafts import DraftOut, draft_out
from workwire.api.v1.flow_building import FlowStepIn
from workwire.api.v1.parties import Clone
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, StatementOut, answers, given, listing
from workwire.api.v1.spelling import KindName, chosen, spelled
from workwire.api.v1.version_shapes import EmptyStep
from workwire.kernel.actor import Actor
from workwire.kernel.errors import named
from workwire.kernel.pages import page
from workwire.rooms.offering import commands, queries, step_differences
from workwire.rooms.offering.flow_graphs import WhenEmpty

if TYPE_CHECKING:
    from workwire.rooms.offering.models import TypeStep, WorkType

router = Router(tags=["building"])
Label = Annotated[str, Field(max_length=100)]


class WorkTypeIn(In):
    """A ticket type, case type or action type to make."""

    service_line: UUID
    kind: KindName
    name: Name
    description: str = ""


class WorkTypeChange(In):
    """Changes to a type, which hold for all of its work at once. All but name, description and group is of case types: whether
    cases must have a primary contact and a requester, the minutes expected of each record where a process says nothing,
    whether records are counted, and what they are called."""

    name: Name = LEFT_OUT
    description: str = LEFT_OUT
    process_group: Label = LEFT_OUT
    contacts_mandatory: bool = LEFT_OUT
    effort_per_record: int | None = Field(default_factory=lambda: None, ge=0)
    counts_records: bool = LEFT_OUT
    record_count_label: Label = LEFT_OUT


class WorkTypeOut(Schema):
    """A ticket type, case type or action type of a service line."""

    guid: Guid
    service_line: Guid
    kind: KindName
    name: str
    description: str
    process_group: str
    contacts_mandatory: bool
    effort_per_record: int | None
    counts_records: bool
    record_count_label: str
    version: int


class TypeStepOut(Schema):
    """A step that all processes of a case type have; what it says beside its name is where a step of a draft begins."""

    key: Guid
    number: int
    name: str
    automatic: bool
    when_empty: EmptyStep
    milestone: int | None


class TypeLineOut(Schema):
    """A line that every action of a type asks."""

    guid: Guid
    description: str


class WorkTypeDetail(WorkTypeOut):
    """A type with the steps of a case type, or the lines that every action of an action type asks."""

    steps: list[TypeStepOut]
    checklist: list[TypeLineOut]


class ChecklistIn(In):
    """Lines that every action of the type asks before it is done."""

    lines: list[str] = Field(min_length=1)


class TypeLineIn(In):
    """A line that every action of a type asks; with the GUID of one that is there it stays that line."""

    description: str = Field(min_length=1, max_length=500)
    guid: UUID | None = None


class WholeChecklistIn(In):
    """All lines of an action type, in their order."""

    lines: list[TypeLineIn]


class TypeStepsIn(In):
    """All steps of a case type, in their order; one with a known key stays that step."""

    steps: list[FlowStepIn]


class DifferencesOut(Schema):
    """What refreshing does to the steps of a draft; nothing where they are those of the type, or the type has none.
    `type_version` is what `refresh-steps` wants to know."""

    type_version: int
    differences: list[StatementOut]


class RefreshIn(In):
    """The version of the type whose differences were shown."""

    type_version: int


@router.get("/work-types", response=answers(Listing[WorkTypeOut]), operation_id="list_work_types")
def list_work_types(
    request: HttpRequest, paging: Query[PageQuery], kind: KindName | None = None, service_line: UUID | None = None
) -> dict[str, Any]:
    """List ticket types, case types and action types."""
    found = queries.work_types()
    if kind is not None:
        found = found.filter(kind=chosen(queries.ProcessType, kind))
    if service_line is not None:
        found = found.filter(service_line__guid=service_line)
    return listing(page(found, **paging.arguments()), _work_type, actor(request))


@router.post("/work-types", response=answers(WorkTypeOut, 201), operation_id="create_work_type")
def create_work_type(request: HttpRequest, wish: WorkTypeIn) -> Status[dict[str, Any]]:
    """Create a ticket type, case type or action type."""
    by = actor(request)

    def create() -> dict[str, Any]:
        line, kind = queries.service_line(wish.service_line), chosen(queries.ProcessType, wish.kind)
        made = commands.create_work_type(line, kind, wish.name, by=by, description=wish.description)
        return _work_type(made, by)

    return Status(201, once(request, create))


@router.get("/work-types/{uuid:guid}", response=answers(WorkTypeDetail), operation_id="get_work_type")
def get_work_type(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one type, with its steps or its checklist."""
    return _shown(request, response, guid)


@router.patch("/work-types/{uuid:guid}", response=answers(WorkTypeDetail), operation_id="update_work_type")
def update_work_type(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[WorkTypeChange]
) -> dict[str, Any]:
    """Change a type; what it says holds at once, for running work too."""
    found = queries.work_type(guid)
    commands.change_work_type(found, by=actor(request), version=etags.wanted(request), **given(wish))
    return _shown(request, response, guid)


@router.put("/work-types/{uuid:guid}/steps", response=answers(WorkTypeDetail), operation_id="save_type_steps")
def save_type_steps(request: HttpRequest, response: HttpResponse, guid: UUID, wish: TypeStepsIn) -> dict[str, Any]:
    """Replace the steps of a case type. Versions of processes stay as they are; drafts are refreshed."""
    steps = [
        commands.StepWish(one.name, one.automatic, WhenEmpty(one.when_empty), one.milestone, one.key)
        for one in wish.steps
    ]
    with named({"name": "steps.name", "milestone": "steps.milestone"}):
        commands.save_type_steps(queries.work_type(guid), steps, by=actor(request), version=etags.wanted(request))
    return _shown(request, response, guid)


@router.post("/work-types/{uuid:guid}/clone", response=answers(WorkTypeOut, 201), operation_id="clone_work_type")
def clone_work_type(request: HttpRequest, guid: UUID, wish: Clone) -> Status[dict[str, Any]]:
    """Create a type like another one, with its steps and its checklist, under its own name."""
    by = actor(request)
    found = queries.work_type(guid)
    return Status(201, once(request, lambda: _work_type(commands.clone_work_type(found, wish.name, by=by), by)))


@router.post("/work-types/{uuid:guid}/checklist", response=answers(WorkTypeOut), operation_id="add_global_checklist")
def add_global_checklist(request: HttpRequest, guid: UUID, wish: ChecklistIn) -> dict[str, Any]:
    """Add lines to the checklist of an action type; actions that run get them, too, in the background."""
    by, found = actor(request), queries.work_type(guid)
    with named({"checklist": "lines", "work_type": None}):
        commands.add_global_checklist(found, tuple(wish.lines), by=by)
    return _work_type(found, by)


@router.put("/work-types/{uuid:guid}/checklist", response=answers(WorkTypeDetail), operation_id="save_global_checklist")
def save_global_checklist(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: WholeChecklistIn
) -> dict[str, Any]:
    """Replace the checklist of an action type; a line with a known GUID stays that line, and lines beside it move along.
    Actions that run follow in the background."""
    lines = [commands.LineWish(one.description, one.guid) for one in wish.lines]
    with named({"checklist": "lines", "work_type": None}):
        commands.save_global_checklist(queries.work_type(guid), lines, by=actor(request), version=etags.wanted(request))
    return _shown(request, response, guid)


@router.get(
    "/process-versions/{uuid:guid}/step-differences",
    response=answers(DifferencesOut),
    operation_id="get_step_differences",
)
def get_step_differences(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get how the steps of a case version differ from those of its type; builders only."""
    by = actor(request)
    require(by, features.PROCESSES)
    version = queries.version(guid, by=by)
    work_type = version.process.work_type
    present = [step for step in queries.steps_of(version) if step.number > 0]
    found = step_differences.differences(queries.type_steps(work_type), present)
    said = [one.as_json() | {"sentence": one.sentence()} for one in found]
    return {"type_version": work_type.version, "differences": said}


@router.post("/process-versions/{uuid:guid}/refresh-steps", response=answers(DraftOut), operation_id="refresh_steps")
def refresh_steps(request: HttpRequest, response: HttpResponse, guid: UUID, wish: RefreshIn) -> dict[str, Any]:
    """Give a draft the steps of its case type, after the differences were looked at; actions of removed steps become ad hoc
    actions."""
    by = actor(request)
    version = queries.version(guid, by=by)
    commands.refresh_steps(version, by=by, type_version=wish.type_version, revision=etags.wanted(request))
    found = queries.version(guid, by=by)
    etags.tag(response, found.revision)
    return draft_out(found, by)


def _shown(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    found = queries.work_type(guid)
    etags.tag(response, found.version)
    return _work_type(found, actor(request)) | {
        "steps": [_step(step) for step in queries.type_steps(found)],
        "checklist": [
            {"guid": str(line.guid), "description": line.description} for line in queries.global_checklist(found)
        ],
    }


def _work_type(row: WorkType, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "service_line": str(row.service_line.guid),
        "kind": spelled(queries.ProcessType(row.kind)),
        "name": row.name,
        "description": row.description,
        "process_group": row.process_group,
        "contacts_mandatory": row.contacts_mandatory,
        "effort_per_record": row.effort_per_record,
        "counts_records": row.counts_records,
        "record_count_label": row.record_count_label,
        "version": row.version,
    }


def _step(row: TypeStep) -> dict[str, Any]:
    return {
        "key": str(row.guid),
        "number": row.number,
        "name": row.name,
        "automatic": row.automatic,
        "when_empty": row.when_empty,
        "milestone": row.milestone,
    }
