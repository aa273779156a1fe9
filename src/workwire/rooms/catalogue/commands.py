"""The only writer of what is offered. All of it needs the feature Process Builder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Model

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.catalogue import BusinessObjectCreated, BusinessObjectUpdated
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import changed
from workwire.rooms.catalogue import events, queries
from workwire.rooms.catalogue.models import (
    ActionDefinition,
    CaseStep,
    Process,
    ProcessType,
    ProcessVersion,
    Schedule,
    SchedulePeriod,
    ScheduleState,
    ServiceLine,
    TicketCategory,
    VersionState,
    WorkType,
)
from workwire.rooms.parties import queries as parties

if TYPE_CHECKING:
    from workwire.rooms.parties.models import Service

LONGEST_DESCRIPTION = 64 * 1024
DEEPEST_CATEGORY = 3
MOVES: Mapping[VersionState, tuple[VersionState, ...]] = {
    VersionState.DRAFT: (VersionState.TESTING, VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.TESTING: (VersionState.DRAFT, VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.LIVE: (VersionState.RETIRING,),
    VersionState.RETIRING: (VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.ARCHIVE: (),
}


class ScheduleChanges(TypedDict, total=False):
    """What may be changed of a schedule; what is not named stays."""

    name: str
    description: str
    state: ScheduleState
    retired: bool


@transaction.atomic
def create_service_line(name: str, *, by: Actor, description: str = "") -> ServiceLine:
    """Make a service line."""
    require(by, features.PROCESS_BUILDER)
    line = ServiceLine(name=text.name(name), description=_prose(description))
    if ServiceLine.objects.filter(name__iexact=line.name).exists():
        raise _taken("service_line")
    _save(line, "service_line")
    body = events.ServiceLineCreated(GUID=str(line.guid), Name=line.name)
    record(body, about=Subject(ObjectType.SERVICE_LINE, line.guid), by=by)
    return line


@transaction.atomic
def create_work_type(line: ServiceLine, kind: ProcessType, name: str, *, by: Actor, description: str = "") -> WorkType:
    """Make a ticket type, case type or action type of a service line."""
    require(by, features.PROCESS_BUILDER)
    work_type = WorkType(service_line=line, kind=kind, name=text.name(name), description=_prose(description))
    _save(work_type, "work_type")
    body = events.WorkTypeCreated(
        GUID=str(work_type.guid), Name=work_type.name, ServiceLineGUID=str(line.guid), ProcessType=kind
    )
    record(body, about=Subject(ObjectType.WORK_TYPE, work_type.guid), by=by)
    return work_type


@transaction.atomic
def create_process(service: Service, work_type: WorkType, *, by: Actor) -> Process:
    """Offer a ticket type or case type under a service the actor sees, of the same service line."""
    require(by, features.PROCESS_BUILDER)
    service = parties.service(service.guid, by=by)
    if work_type.kind == ProcessType.ACTION or work_type.service_line_id != service.service_line_id:
        raise Invalid(
            "work_type_invalid",
            "A process offers a ticket or case type of its service's line.",
            field="work_type",
        )
    process = Process(service=service, work_type=work_type)
    _save(process, "process")
    body = events.ProcessCreated(GUID=str(process.guid), Name=work_type.name, ServiceGUID=str(service.guid))
    record(body, about=_about(ObjectType.PROCESS, process.guid, process), by=by)
    return process


@transaction.atomic
def create_version(
    process: Process, *, by: Actor, due_within: timedelta | None = None, schedule: Schedule | None = None
) -> ProcessVersion:
    """Begin a draft of a process the actor sees."""
    require(by, features.PROCESS_BUILDER)
    _check_due(due_within)
    process = _locked_process(process.pk, by)
    last = process.versions.aggregate(last=Max("number"))["last"] or 0
    version = ProcessVersion.objects.create(process=process, number=last + 1, due_within=due_within, schedule=schedule)
    body = events.ProcessVersionCreated(**_version_body(version))
    record(body, about=_about(ObjectType.PROCESS_VERSION, version.guid, process), by=by)
    return version


@transaction.atomic
def add_category(
    version: ProcessVersion, name: str, *, by: Actor, parent: TicketCategory | None = None
) -> TicketCategory:
    """Add a category to the draft of a ticket process, below another one or at the top."""
    version = _draft(version, ProcessType.TICKET, by)
    if parent is not None and (parent.version_id != version.pk or parent.level >= DEEPEST_CATEGORY):
        raise Invalid(
            "parent_invalid",
            "A category lies in the same version, at most three levels deep.",
            field="parent",
        )
    category = TicketCategory(
        version=version, parent=parent, level=parent.level + 1 if parent else 1, name=text.name(name)
    )
    _save(category, "category")
    _record_change(version, f"category {category.name} added", by)
    return category


@transaction.atomic
def add_step(version: ProcessVersion, name: str, *, by: Actor) -> CaseStep:
    """Add a step at the end of the draft of a case process."""
    version = _draft(version, ProcessType.CASE, by)
    last = version.steps.aggregate(last=Max("number"))["last"] or 0
    step = CaseStep.objects.create(version=version, number=last + 1, name=text.name(name))
    _record_change(version, f"step {step.number} {step.name} added", by)
    return step


@transaction.atomic
def add_action(
    step: CaseStep,
    work_type: WorkType,
    *,
    by: Actor,
    branch: int = 1,
    instructions: str = "",
    due_within: timedelta | None = None,
) -> ActionDefinition:
    """Add an action at the end of a branch of a step, in the draft of a case process."""
    version = _draft(step.version, ProcessType.CASE, by)
    _check_due(due_within)
    line_id = version.process.service.service_line_id
    if work_type.kind != ProcessType.ACTION or work_type.service_line_id != line_id:
        raise Invalid("work_type_invalid", "An action has an action type of its service's line.", field="work_type")
    if not 1 <= branch <= 100:
        raise Invalid("branch_invalid", "Branches are numbered from 1 to 100.", field="branch")
    present = ActionDefinition.objects.filter(step=step)
    number = present.aggregate(last=Max("number"))["last"] or 0
    position = present.filter(branch=branch).aggregate(last=Max("position"))["last"] or 0
    action = ActionDefinition.objects.create(
        step=step,
        work_type=work_type,
        number=number + 1,
        branch=branch,
        position=position + 1,
        instructions=_prose(instructions),
        due_within=due_within,
    )
    _record_change(version, f"action {step.number}.{action.number} {work_type.name} added", by)
    return action


@transaction.atomic
def set_version_state(version: ProcessVersion, state: VersionState, *, by: Actor) -> ProcessVersion:
    """Move a version through its life; going live retires the one that was live, in the same transaction."""
    version = _locked_version(version, by)
    if state == version.state:
        return version
    if state not in MOVES[VersionState(version.state)]:
        raise Conflict("version_move_not_possible", f"A version cannot go from {version.get_state_display()} there.")
    if state in (VersionState.TESTING, VersionState.LIVE):
        _check_content(version)
    if state == VersionState.LIVE:
        for before in version.process.versions.filter(state=VersionState.LIVE):
            _set_state(before, VersionState.RETIRING, by)
    _set_state(version, state, by)
    return version


@transaction.atomic
def create_schedule(name: str, *, by: Actor, description: str = "") -> Schedule:
    """Make a schedule."""
    require(by, features.PROCESS_BUILDER)
    schedule = Schedule(name=text.name(name), description=_prose(description))
    _save_schedule(schedule)
    record(BusinessObjectCreated(**_schedule_body(schedule)), about=_about_schedule(schedule), by=by)
    return schedule


@transaction.atomic
def update_schedule(
    schedule: Schedule, *, by: Actor, version: int | None = None, **changes: Unpack[ScheduleChanges]
) -> Schedule:
    """Change a schedule; recorded once, and not at all when nothing differs. Raises Conflict for a version that has passed."""
    found = _locked_schedule(schedule, by, version)
    before, body = _columns(found), _schedule_body(found)
    if "name" in changes:
        found.name = text.name(changes["name"])
    if "description" in changes:
        found.description = _prose(changes["description"])
    found.state = changes.get("state", found.state)
    found.retired = changes.get("retired", found.retired)
    if _columns(found) == before:
        return found
    found.version += 1
    _save_schedule(found)
    _record_schedule(found, body, by)
    return found


@transaction.atomic
def add_period(
    schedule: Schedule,
    *,
    year: int,
    period: str,
    start_date: date,
    by: Actor,
    dates: Mapping[str, str] | None = None,
) -> SchedulePeriod:
    """Add a period to a schedule, which is a change of the schedule; `dates` maps names to ISO dates."""
    found = _locked_schedule(schedule, by, None)
    if not 1900 <= year <= 9999:
        raise Invalid("year_invalid", "A year has four digits.", field="year")
    row = SchedulePeriod(
        schedule=found,
        year=year,
        period=text.name(period, field="period", longest=40),
        start_date=start_date,
        dates={text.name(name, field="dates"): _iso_date(value) for name, value in (dates or {}).items()},
    )
    _save(row, "period")
    body = _schedule_body(found)
    found.version += 1
    found.save(update_fields=["version"])
    _record_schedule(found, body, by)
    return row


def _locked_process(process_id: int, by: Actor) -> Process:
    """The process, locked: all changes of its versions queue here, so that numbers and the one live version hold."""
    found = queries.processes_visible_to(by).filter(pk=process_id).first()
    if found is None:
        raise not_found("process")
    Process.objects.select_for_update().get(pk=process_id)
    return found


def _locked_version(version: ProcessVersion, by: Actor) -> ProcessVersion:
    """The version as it is once its process is locked."""
    require(by, features.PROCESS_BUILDER)
    process = _locked_process(version.process_id, by)
    found = process.versions.get(pk=version.pk)
    found.process = process
    return found


def _draft(version: ProcessVersion, kind: ProcessType, by: Actor) -> ProcessVersion:
    found = _locked_version(version, by)
    if found.state != VersionState.DRAFT:
        raise Conflict("version_not_draft", "Only a draft can be changed; begin a new version.")
    if found.process.work_type.kind != kind:
        raise Invalid("kind_invalid", f"This belongs to a {kind.label.lower()} process.", field="version")
    return found


def _check_content(version: ProcessVersion) -> None:
    if version.process.work_type.kind == ProcessType.TICKET:
        if not version.categories.exists():
            raise Conflict("version_incomplete", "A ticket process needs a category.")
        return
    steps = queries.steps_of(version)
    if not steps or any(not step.actions.all() for step in steps):
        raise Conflict("version_incomplete", "A case process needs a step, and every step an action.")


def _set_state(version: ProcessVersion, state: VersionState, by: Actor) -> None:
    version.state = state
    version.save(update_fields=["state"])
    _record_change(version, f"state {state.label}", by)


def _locked_schedule(schedule: Schedule, by: Actor, version: int | None) -> Schedule:
    require(by, features.PROCESS_BUILDER)
    visible = queries.schedules_visible_to(by).filter(pk=schedule.pk).values("pk")
    found = Schedule.objects.select_for_update().filter(pk__in=visible).first()
    if found is None:
        raise not_found("schedule")
    if version is not None and version != found.version:
        raise Conflict("version_conflict", "The schedule has been changed since it was read.", field="version")
    return found


def _save_schedule(schedule: Schedule) -> None:
    if Schedule.objects.filter(name__iexact=schedule.name).exclude(pk=schedule.pk).exists():
        raise _taken("schedule")
    _save(schedule, "schedule")


def _save(row: Model, what: str) -> None:
    """Save a new or changed row; a name that somebody else took in the meantime is a Conflict."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _taken(what) from error


def _taken(what: str) -> Conflict:
    return Conflict(f"{what}_name_taken", f"There is such a {what.replace('_', ' ')} already.", field="name")


def _prose(value: str) -> str:
    return text.prose(value, field="description", longest=LONGEST_DESCRIPTION)


def _check_due(due_within: timedelta | None) -> None:
    if due_within is not None and not timedelta(0) < due_within <= timedelta(days=3650):
        raise Invalid(
            "due_within_invalid",
            "The time to the due date is positive, at most ten years.",
            field="due_within",
        )


def _iso_date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise Invalid("date_invalid", "A date is written like 2026-03-31.", field="dates") from error


def _version_body(version: ProcessVersion) -> dict[str, Any]:
    return {
        "GUID": str(version.guid),
        "Name": version.process.work_type.name,
        "ProcessGUID": str(version.process.guid),
        "Number": version.number,
        "State": int(version.state),
    }


def _record_change(version: ProcessVersion, change: str, by: Actor) -> None:
    body = events.ProcessVersionChanged(**_version_body(version), Change=change)
    record(body, about=_about(ObjectType.PROCESS_VERSION, version.guid, version.process), by=by)


def _about(kind: ObjectType, guid: UUID, process: Process) -> Subject:
    service = process.service
    return Subject(
        kind,
        guid,
        company=service.contract.customer.guid,
        contract=service.contract.guid,
        service=service.guid,
    )


def _record_schedule(schedule: Schedule, before: dict[str, str], by: Actor) -> None:
    after = _schedule_body(schedule)
    body = BusinessObjectUpdated(**after, Previous=changed(before, after))
    record(body, about=_about_schedule(schedule), by=by)


def _columns(schedule: Schedule) -> dict[str, object]:
    return {field.attname: getattr(schedule, field.attname) for field in Schedule._meta.concrete_fields}


def _schedule_body(schedule: Schedule) -> dict[str, str]:
    return {"GUID": str(schedule.guid), "Name": schedule.name, "ObjectType": "Schedule"}


def _about_schedule(schedule: Schedule) -> Subject:
    return Subject(ObjectType.SCHEDULE, schedule.guid)
