"""Process versions: drafts and their content, and their way to live and into the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from workwire.access import features
from workwire.access.models import User
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import record
from workwire.outbox.objects import ObjectType
from workwire.rooms.commitments.rules import DueRule
from workwire.rooms.offering import events, queries
from workwire.rooms.offering.commands import linear_form
from workwire.rooms.offering.commands.checklists import new_lines
from workwire.rooms.offering.commands.saving import prose, save
from workwire.rooms.offering.findings import blocking
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    ChecklistLine,
    Process,
    ProcessType,
    ProcessVersion,
    Schedule,
    TicketCategory,
    TypeStep,
    VersionState,
    WorkType,
)
from workwire.rooms.offering.version_findings import findings

if TYPE_CHECKING:
    from workwire.rooms.work.models import JobPosition, Queue

DEEPEST_CATEGORY = 3
AD_HOC = 0  # the number of the step that holds what is only launched by hand
MOST_EFFORT = 100_000  # minutes a record
MOVES: Mapping[VersionState, tuple[VersionState, ...]] = {
    VersionState.DRAFT: (VersionState.TESTING, VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.TESTING: (VersionState.DRAFT, VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.LIVE: (VersionState.RETIRING,),
    VersionState.RETIRING: (VersionState.LIVE, VersionState.ARCHIVE),
    VersionState.ARCHIVE: (),
}


@dataclass(frozen=True, slots=True)
class Allocation:
    """To whom work goes: the queue it lies in, and who gets it from there at once: the first of two people and the holders of
    two job positions, in this order, who may have it."""

    queue: Queue | None = None
    person: User | None = None
    secondary_person: User | None = None
    job_position: JobPosition | None = None
    secondary_job_position: JobPosition | None = None

    def check(self) -> None:
        """Raise Invalid for a queue, a person or a job position that is retired."""
        if self.queue is not None and self.queue.retired:
            raise Invalid("queue_retired", field="queue", queue=self.queue.name)
        for field in ("person", "secondary_person"):
            person = getattr(self, field)
            if person is not None and not person.is_active:
                raise Invalid("person_retired", field=field, user=person.username)
        for field in ("job_position", "secondary_job_position"):
            position = getattr(self, field)
            if position is not None and position.retired:
                raise Invalid("job_position_retired", field=field, name=position.name)

    def columns(self) -> dict[str, Any]:
        """The columns that hold it, at a process version or an action."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


NOBODY = Allocation()


@transaction.atomic
def create_version(
    process: Process,
    *,
    by: Actor,
    due: DueRule | None = None,
    schedule: Schedule | None = None,
    allocation: Allocation = NOBODY,
    requires_primary_contact: bool = False,
    requires_requester: bool = False,
    requires_description: bool = False,
    title_editable: bool = True,
    effort_per_record: int | None = None,
) -> ProcessVersion:
    """Begin the draft of a process the actor sees, with the steps of its type; raises Conflict where there is one."""
    require(by, features.PROCESSES)
    allocation.check()
    process = locked_process(process.pk, by)
    version = ProcessVersion.objects.create(
        process=process,
        due_rule=rule_written(due),
        schedule=schedule,
        **allocation.columns(),
        requires_primary_contact=requires_primary_contact,
        requires_requester=requires_requester,
        requires_description=requires_description,
        title_editable=title_editable,
        effort_per_record=checked_effort(effort_per_record),
        number=next_number(process),
    )
    of_type = process.work_type.steps.all() if process.work_type.kind == ProcessType.CASE else ()
    steps = [step_of(one, version) for one in of_type]
    record_begin(version, by, added(version, *CaseStep.objects.bulk_create(steps)))
    return version


@transaction.atomic
def add_category(
    version: ProcessVersion,
    name: str,
    *,
    by: Actor,
    parent: TicketCategory | None = None,
    due: DueRule | None = None,
) -> TicketCategory:
    """Add a category to the draft of a ticket process, below another one or at the top; its tickets are due as it says, or
    else as the version does."""
    version = draft(version, ProcessType.TICKET, by)
    if parent is not None and (parent.version_id != version.pk or parent.level >= DEEPEST_CATEGORY):
        raise Invalid(
            "parent_invalid.category",
            field="parent",
        )
    category = TicketCategory(
        version=version,
        parent=parent,
        level=parent.level + 1 if parent else 1,
        name=text.name(name),
        due_rule=rule_written(due),
    )
    save(category, "category")
    record_change(version, f"category {category.name} added", by, added(category))
    return category


@transaction.atomic
def add_step(version: ProcessVersion, name: str, *, by: Actor, automatic: bool = True) -> CaseStep:
    """Add a step at the end of the draft of a case process; after one that is not `automatic` the case goes to its owner."""
    version = draft(version, ProcessType.CASE, by)
    check_own_steps(version)
    last = version.steps.aggregate(last=Max("number"))["last"] or 0
    step = CaseStep.objects.create(version=version, number=last + 1, name=text.name(name), automatic=automatic)
    record_change(version, f"step {step.number} {step.name} added", by, added(step))
    return step


@transaction.atomic
def add_action(
    step: CaseStep,
    work_type: WorkType,
    *,
    by: Actor,
    branch: int = 1,
    instructions: str = "",
    due: DueRule | None = None,
    allocation: Allocation = NOBODY,
    launchable: bool = False,
    checklist: tuple[str, ...] = (),
    effort_per_record: int | None = None,
) -> ActionDefinition:
    """Add an action at the end of a branch of a step, in the draft of a case process."""
    version = draft(step.version, ProcessType.CASE, by)
    allocation.check()
    check_action_type(version, work_type)
    if not 1 <= branch <= 100:
        raise Invalid("branch_invalid", field="branch")
    present = ActionDefinition.objects.filter(step=step)
    number = present.aggregate(last=Max("number"))["last"] or 0
    position = present.filter(branch=branch).aggregate(last=Max("position"))["last"] or 0
    action = ActionDefinition.objects.create(
        step=step,
        work_type=work_type,
        number=number + 1,
        branch=branch,
        position=position + 1,
        instructions=prose(instructions),
        due_rule=rule_written(due),
        **allocation.columns(),
        launchable=launchable or step.number == AD_HOC,
        effort_per_record=checked_effort(effort_per_record),
    )
    in_graph = [] if step.number == AD_HOC else linear_form.place(version, action)
    lines = ChecklistLine.objects.bulk_create(new_lines(checklist, start=1, definition=action))
    what = f"action {step.number}.{action.number} {work_type.name} added"
    record_change(version, what, by, added(action, *in_graph, *lines))
    return action


@transaction.atomic
def add_ad_hoc_action(
    version: ProcessVersion,
    work_type: WorkType,
    *,
    by: Actor,
    instructions: str = "",
    due: DueRule | None = None,
    allocation: Allocation = NOBODY,
    checklist: tuple[str, ...] = (),
    effort_per_record: int | None = None,
) -> ActionDefinition:
    """Add an action that is in no step and only launched by hand, to the draft of a case process."""
    version = draft(version, ProcessType.CASE, by)
    step, is_new = CaseStep.objects.get_or_create(version=version, number=AD_HOC, defaults={"name": "Ad hoc"})
    if is_new:
        record_change(version, f"step {step.number} {step.name} added", by, added(step))
    return add_action(
        step,
        work_type,
        by=by,
        instructions=instructions,
        due=due,
        allocation=allocation,
        checklist=checklist,
        effort_per_record=effort_per_record,
    )


@transaction.atomic
def set_version_state(version: ProcessVersion, state: VersionState, *, by: Actor) -> ProcessVersion:
    """Move a version through its life; going live, which needs the feature Releases, retires the one that was live, in the
    same transaction."""
    version = _locked_version(version, by, features.RELEASES if state == VersionState.LIVE else features.PROCESSES)
    if state == version.state:
        return version
    if state not in MOVES[VersionState(version.state)]:
        raise Conflict("version_move_not_possible", state=version.get_state_display())
    if state in (VersionState.TESTING, VersionState.LIVE):
        _require_ready(version)
    if state == VersionState.LIVE:
        for before in version.process.versions.filter(state=VersionState.LIVE):
            _set_state(before, VersionState.RETIRING, by)
    _set_state(version, state, by)
    return version


def step_of(step: TypeStep, version: ProcessVersion) -> CaseStep:
    """A step of a version that is not saved yet, as one of its type begins."""
    return CaseStep(
        version=version,
        key=step.guid,
        number=step.number,
        name=step.name,
        automatic=step.automatic,
        when_empty=step.when_empty,
        milestone=step.milestone,
    )


def next_number(process: Process) -> int:
    """The number of a new draft of a process that is locked; raises Conflict where it has a draft, or one that is tested."""
    if process.versions.filter(state__in=(VersionState.DRAFT, VersionState.TESTING)).exists():
        raise Conflict("draft_exists")
    last: int | None = process.versions.aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def locked_process(process_id: int, by: Actor) -> Process:
    """The process, locked: all changes of its versions queue here, so that numbers and the one live version hold."""
    found = queries.processes_visible_to(by).filter(pk=process_id).first()
    if found is None:
        raise not_found("process")
    Process.objects.select_for_update().get(pk=process_id)
    return found


def _locked_version(version: ProcessVersion, by: Actor, feature: str = features.PROCESSES) -> ProcessVersion:
    """The version as it is once its process is locked, for who holds a feature."""
    require(by, feature)
    process = locked_process(version.process_id, by)
    found = process.versions.get(pk=version.pk)
    found.process = process
    return found


def draft(version: ProcessVersion, kind: ProcessType | None, by: Actor, revision: int | None = None) -> ProcessVersion:
    """The draft of a process of a kind, once its process is locked; raises Conflict for what is no draft any more, or is no
    longer at the revision that is wanted."""
    found = _locked_version(version, by)
    if found.state != VersionState.DRAFT:
        raise Conflict("version_not_draft")
    if revision is not None and revision != found.revision:
        raise Conflict("version_conflict.process_version")
    if kind is not None and found.process.work_type.kind != kind:
        raise Invalid("kind_invalid", kind=kind.label.lower())
    return found


def _require_ready(version: ProcessVersion) -> None:
    """Raise Conflict for a version with findings that keep it from going live."""
    found = [finding.said.code for finding in blocking(findings(version))]
    if "finding_no_category" in found:
        raise Conflict("version_incomplete.ticket")
    if "finding_no_step" in found or "finding_step_empty" in found:
        raise Conflict("version_incomplete.case")
    if found:
        raise Conflict("version_not_ready", count=len(found))


def check_own_steps(version: ProcessVersion) -> None:
    """Raise Conflict where the steps of a draft are those of its type."""
    if version.process.work_type.steps.exists():
        raise Conflict("steps_of_type")


def check_action_type(version: ProcessVersion, work_type: WorkType) -> None:
    """Raise Invalid unless a type is an action type of the version's service line."""
    line_id = version.process.service.service_line_id
    if work_type.kind != ProcessType.ACTION or work_type.service_line_id != line_id:
        raise Invalid("work_type_invalid.action", field="work_type")


def _set_state(version: ProcessVersion, state: VersionState, by: Actor) -> None:
    before = columns(version)
    version.state = state
    version.save(update_fields=["state"])
    record_change(version, f"state {state.label}", by, altered(version, before))


def rule_written(due: DueRule | None) -> dict[str, Any] | None:
    """A due date rule as it is kept; raises Invalid."""
    if due is None:
        return None
    due.check()
    return due.as_json()


def checked_effort(minutes: int | None) -> int | None:
    """The minutes that each record is expected to take; raises Invalid."""
    if minutes is not None and not 0 <= minutes <= MOST_EFFORT:
        raise Invalid("effort_per_record_invalid", field="effort_per_record", most=MOST_EFFORT)
    return minutes


def _version_body(version: ProcessVersion) -> dict[str, Any]:
    return {
        "GUID": str(version.guid),
        "Name": version.process.work_type.name,
        "ProcessGUID": str(version.process.guid),
        "Number": version.number,
        "State": int(version.state),
    }


def record_begin(version: ProcessVersion, by: Actor, changes: list[RowChange]) -> None:
    """Write that a draft was begun."""
    body = events.ProcessVersionCreated(**_version_body(version))
    about = events.below_process(ObjectType.PROCESS_VERSION, version.guid, version.process)
    record(body, about=about, by=by, changes=changes)


def record_change(version: ProcessVersion, change: str, by: Actor, changes: list[RowChange]) -> None:
    """Write that the content or the state of a version changed, and count the change."""
    version.revision += 1
    version.save(update_fields=["revision"])
    body = events.ProcessVersionChanged(**_version_body(version), Change=change)
    about = events.below_process(ObjectType.PROCESS_VERSION, version.guid, version.process)
    record(body, about=about, by=by, changes=changes)
