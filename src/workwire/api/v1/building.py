"""How processes are shaped: processes, versions with their categories, steps and actions, custom data fields."""

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
from workwire.api.v1.placements import Placed, placed
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.api.v1.spelling import FieldKindName, KindName, VersionStateName, chosen, spelled
from workwire.api.v1.version_shapes import VersionDetail, VersionOut, version_detail, version_out
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.offering import commands, data_field_queries, queries
from workwire.rooms.parties import queries as parties

if TYPE_CHECKING:
    from workwire.rooms.offering.models import DataField, Process, ProcessVersion

router = Router(tags=["building"])


class ProcessIn(In):
    """A ticket type or case type to offer under a service of the same service line."""

    service: UUID
    work_type: UUID


class ProcessOut(Schema):
    """A process: one ticket or case type offered under one service."""

    guid: Guid
    service: Guid
    work_type: Guid
    name: str
    kind: KindName


class CloneIn(In):
    """The process whose live version is cloned."""

    source: UUID


class VersionIn(Placed):
    """A draft of a process to begin."""

    schedule: UUID | None = None
    requires_primary_contact: bool = False
    requires_requester: bool = False
    requires_description: bool = False
    title_editable: bool = True


class StepIn(In):
    """A step to add at the end; after one that is not `automatic` the case goes to its owner."""

    name: Name
    automatic: bool = True


class AdHocActionIn(Placed):
    """An action to add that is only launched by hand."""

    work_type: UUID
    instructions: str = ""
    checklist: list[str] = []


class ActionIn(AdHocActionIn):
    """An action to add at the end of a branch of a step."""

    branch: int = Field(1, ge=1, le=100)
    launchable: bool = False


class StateIn(In):
    """The state a version is to have; going live retires the one that was."""

    state: VersionStateName


class DataFieldIn(In):
    """A custom data field to define; a list has `values`, a multi-level list a `tree`, a table `columns` in its options. New
    tickets and cases begin with the `default`, which multi-level lists, decimal numbers and tables do not have. A short text
    or a list with a `short_code` of one or two letters or digits can be searched for. The values of a `private` one are
    those of one item each; others are shared by a case, its actions and its sub-cases."""

    name: str = Field(min_length=1, max_length=100)
    kind: FieldKindName
    options: dict[str, Any] = {}
    default: Any = None
    short_code: Annotated[str, Field(max_length=2)] | None = None
    description: str = ""
    private: bool = False


class DataFieldChange(In):
    """Changes to a custom data field; its kind, and whether it is private, never change. Null takes the default or the short
    code away."""

    options: dict[str, Any] = LEFT_OUT
    default: Any = LEFT_OUT
    short_code: Annotated[str, Field(max_length=2)] | None = LEFT_OUT
    description: str = LEFT_OUT
    retired: bool = LEFT_OUT


class DataFieldOut(Schema):
    """A custom data field."""

    guid: Guid
    name: str
    kind: FieldKindName
    options: dict[str, Any]
    default: Any
    short_code: str | None
    description: str
    private: bool
    retired: bool
    version: int


@router.get("/processes", response=answers(Listing[ProcessOut]), operation_id="list_processes")
def list_processes(request: HttpRequest, paging: Query[PageQuery], service: UUID | None = None) -> dict[str, Any]:
    """List the processes you may see."""
    by = actor(request)
    found = queries.processes_visible_to(by)
    if service is not None:
        found = found.filter(service__guid=service)
    return listing(page(found, **paging.arguments()), _process, by)


@router.post("/processes", response=answers(ProcessOut, 201), operation_id="create_process")
def create_process(request: HttpRequest, wish: ProcessIn) -> Status[dict[str, Any]]:
    """Offer a ticket or case type under a service."""
    by = actor(request)

    def create() -> dict[str, Any]:
        service, work_type = parties.service(wish.service, by=by), queries.work_type(wish.work_type)
        return _process(commands.create_process(service, work_type, by=by), by)

    return Status(201, once(request, create))


@router.get("/processes/{uuid:guid}/versions", response=answers(Listing[VersionOut]), operation_id="list_versions")
def list_versions(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all versions of a process; builders only."""
    by = actor(request)
    require(by, features.PROCESSES)
    found = queries.versions_visible_to(by).filter(process=queries.process(guid, by=by).pk)
    return listing(page(found, **paging.arguments()), version_out, by)


@router.post("/processes/{uuid:guid}/versions", response=answers(DraftOut, 201), operation_id="create_version")
def create_version(request: HttpRequest, guid: UUID, wish: Maybe[VersionIn]) -> Status[dict[str, Any]]:
    """Create the draft of a process; there is one at a time."""
    by = actor(request)

    def create() -> dict[str, Any]:
        schedule = queries.schedule(wish.schedule, by=by) if wish.schedule is not None else None
        asked = wish.dict(exclude={*Placed.model_fields, "schedule"})
        made = commands.create_version(
            queries.process(guid, by=by), by=by, schedule=schedule, **asked, **placed(wish, by)
        )
        return draft_out(made, by)

    return Status(201, once(request, create))


@router.post("/processes/{uuid:guid}/clone", response=answers(DraftOut, 201), operation_id="clone_process")
def clone_process(request: HttpRequest, guid: UUID, wish: CloneIn) -> Status[dict[str, Any]]:
    """Create the draft of a process as a copy of the live version of another one of the same service line, without its
    schedule. Between two case types, actions keep the place of their step."""
    by = actor(request)

    def create() -> dict[str, Any]:
        process = queries.process(guid, by=by)
        made = commands.clone_process(queries.process(wish.source, by=by), process, by=by)
        return draft_out(queries.version(made.guid, by=by), by)

    return Status(201, once(request, create))


@router.post("/process-versions/{uuid:guid}/steps", response=answers(DraftOut), operation_id="add_step")
def add_step(request: HttpRequest, guid: UUID, wish: StepIn) -> dict[str, Any]:
    """Add a step at the end of the draft of a case process."""
    by, version = actor(request), _version(request, guid)
    commands.add_step(version, wish.name, by=by, automatic=wish.automatic)
    return draft_out(_version(request, guid), by)


@router.post("/steps/{uuid:guid}/actions", response=answers(DraftOut), operation_id="add_action")
def add_action(request: HttpRequest, guid: UUID, wish: ActionIn) -> dict[str, Any]:
    """Add an action at the end of a branch of a step, in the draft of a case process."""
    by = actor(request)
    step = queries.step(guid, by=by)
    where, work_type = placed(wish, by), queries.work_type(wish.work_type)
    commands.add_action(
        step,
        work_type,
        by=by,
        branch=wish.branch,
        launchable=wish.launchable,
        instructions=wish.instructions,
        checklist=tuple(wish.checklist),
        **where,
    )
    return draft_out(_version(request, step.version.guid), by)


@router.post(
    "/process-versions/{uuid:guid}/ad-hoc-actions", response=answers(DraftOut), operation_id="add_ad_hoc_action"
)
def add_ad_hoc_action(request: HttpRequest, guid: UUID, wish: AdHocActionIn) -> dict[str, Any]:
    """Add an ad hoc action, launched only by hand, to the draft of a case process."""
    by, version = actor(request), _version(request, guid)
    where, work_type = placed(wish, by), queries.work_type(wish.work_type)
    checklist = tuple(wish.checklist)
    commands.add_ad_hoc_action(version, work_type, by=by, instructions=wish.instructions, checklist=checklist, **where)
    return draft_out(_version(request, guid), by)


@router.put("/process-versions/{uuid:guid}/state", response=answers(VersionDetail), operation_id="set_version_state")
def set_version_state(request: HttpRequest, guid: UUID, wish: StateIn) -> dict[str, Any]:
    """Change the state of a process version."""
    by = actor(request)
    state = chosen(queries.VersionState, wish.state)
    commands.set_version_state(_version(request, guid), state, by=by)
    return version_detail(_version(request, guid), by)


@router.get("/data-fields", response=answers(Listing[DataFieldOut]), operation_id="list_data_fields")
def list_data_fields(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all custom data fields."""
    return listing(page(data_field_queries.data_fields(), **paging.arguments()), _field, actor(request))


@router.post("/data-fields", response=answers(DataFieldOut, 201), operation_id="create_data_field")
def create_data_field(request: HttpRequest, wish: DataFieldIn) -> Status[dict[str, Any]]:
    """Define a custom data field."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = wish.dict() | {"kind": chosen(queries.FieldKind, wish.kind)}
        return _field(commands.create_data_field(by=by, **fields), by)

    return Status(201, once(request, create))


@router.patch("/data-fields/{uuid:guid}", response=answers(DataFieldOut), operation_id="update_data_field")
def update_data_field(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[DataFieldChange]
) -> dict[str, Any]:
    """Change a custom data field; existing values stay."""
    by, wanted = actor(request), etags.wanted(request)
    changed = commands.update_data_field(data_field_queries.data_field(guid), by=by, version=wanted, **given(wish))
    etags.tag(response, changed.version)
    return _field(changed, by)


def _version(request: HttpRequest, guid: UUID) -> ProcessVersion:
    return queries.version(guid, by=actor(request))


def _process(row: Process, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "service": str(row.service.guid),
        "work_type": str(row.work_type.guid),
        "name": row.work_type.name,
        "kind": spelled(queries.ProcessType(row.work_type.kind)),
    }


def _field(row: DataField, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "kind": spelled(queries.FieldKind(row.kind)),
        "options": row.options,
        "default": row.default,
        "short_code": row.short_code or None,
        "description": row.description,
        "private": row.private,
        "retired": row.retired,
        "version": row.version,
    }
