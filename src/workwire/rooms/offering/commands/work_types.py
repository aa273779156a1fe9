"""Types of work: made, changed, cloned, and the steps that all processes of a case type have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs.commands import ensure
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.offering import events
from workwire.rooms.offering.commands.checklists import (
    MOST_LINES,
    RUNNING_JOB,
    LineWish,
    add_global_checklist,
    save_line,
)
from workwire.rooms.offering.commands.draft_parts import checked_milestone
from workwire.rooms.offering.commands.flow_wishes import MOST_STEPS, StepWish
from workwire.rooms.offering.commands.process_versions import checked_effort
from workwire.rooms.offering.commands.renumbering import move_away
from workwire.rooms.offering.commands.saving import prose, save
from workwire.rooms.offering.flow_graphs import WhenEmpty
from workwire.rooms.offering.models import ChecklistLine, ProcessType, ServiceLine, TypeStep, WorkType

LONGEST_LABEL = 100
_OF_CASES = frozenset({"contacts_mandatory", "effort_per_record", "counts_records", "record_count_label"})


class WorkTypeChanges(TypedDict, total=False):
    """What may be changed of a type; what is not named stays. All but name, description and group is of case types."""

    name: str
    description: str
    process_group: str
    contacts_mandatory: bool
    effort_per_record: int | None
    counts_records: bool
    record_count_label: str


@transaction.atomic
def create_work_type(line: ServiceLine, kind: ProcessType, name: str, *, by: Actor, description: str = "") -> WorkType:
    """Make a ticket type, case type or action type of a service line."""
    require(by, features.PROCESSES)
    work_type = WorkType(service_line=line, kind=kind, name=text.name(name), description=prose(description))
    return _saved_as_new(work_type, by)


@transaction.atomic
def clone_work_type(work_type: WorkType, name: str, *, by: Actor) -> WorkType:
    """Make a type like another one under another name: all that it says, its steps, the lines that every action of it asks."""
    require(by, features.PROCESSES)
    alike = ("service_line", "kind", "description", "process_group", *sorted(_OF_CASES))
    made = WorkType(name=text.name(name), **{column: getattr(work_type, column) for column in alike})
    _saved_as_new(made, by)
    if steps := list(work_type.steps.all()):
        save_type_steps(made, [_wish(step) for step in steps], by=by)
    lines = [one.description for one in work_type.checklist.filter(retired=False)]
    if lines:
        add_global_checklist(made, tuple(lines), by=by)
    return made


@transaction.atomic
def change_work_type(
    work_type: WorkType, *, by: Actor, version: int | None = None, **changes: Unpack[WorkTypeChanges]
) -> WorkType:
    """Change what a type says, which holds for all of its work at once; recorded once, and not at all when nothing differs.
    Raises Conflict for a version that has passed."""
    found = _locked(work_type, by, version)
    if found.kind != ProcessType.CASE and (of_cases := sorted(_OF_CASES & changes.keys())):
        raise Invalid("work_type_invalid.case", field=of_cases[0])
    before = columns(found)
    if "name" in changes:
        found.name = text.name(changes["name"])
    if "description" in changes:
        found.description = prose(changes["description"])
    if "effort_per_record" in changes:
        found.effort_per_record = checked_effort(changes["effort_per_record"])
    found.process_group = _label(changes, "process_group", found.process_group)
    found.record_count_label = _label(changes, "record_count_label", found.record_count_label)
    found.contacts_mandatory = changes.get("contacts_mandatory", found.contacts_mandatory)
    found.counts_records = changes.get("counts_records", found.counts_records)
    if changed := altered(found, before):
        _record(found, "changed", by, changed)
    return found


@transaction.atomic
def save_type_steps(
    work_type: WorkType, steps: Sequence[StepWish], *, by: Actor, version: int | None = None
) -> WorkType:
    """Give a case type the steps that are wished for: those with a known key stay the step they are, the others are new, and
    what is not named goes. No version of a process changes by that: drafts are refreshed. Raises Conflict for a version that
    has passed."""
    found = _locked(work_type, by, version)
    if found.kind != ProcessType.CASE:
        raise Invalid("work_type_invalid.case", field="steps")
    if len(steps) > MOST_STEPS:
        raise Invalid("flow_too_large", field="steps", most=MOST_STEPS)
    keys = [step.key for step in steps if step.key is not None]
    if len(set(keys)) < len(keys):
        raise Invalid("flow_step_twice", field="steps")
    if changed := _save_steps(found, steps):
        _record(found, f"{len(steps)} steps saved", by, changed)
    return found


@transaction.atomic
def save_global_checklist(
    work_type: WorkType, lines: Sequence[LineWish], *, by: Actor, version: int | None = None
) -> WorkType:
    """Give an action type the lines that are wished for, in their order: those with a known GUID stay the line they are, what
    is not named is retired. Lines that actions have beside them move along; a job tells actions that run. Raises Conflict
    for a version that has passed."""
    found = _locked(work_type, by, version)
    if found.kind != ProcessType.ACTION:
        raise Invalid("work_type_invalid.checklist", field="lines")
    if len(lines) > MOST_LINES:
        raise Invalid("checklist_too_long", field="lines", most=MOST_LINES)
    present = {line.guid: line for line in found.checklist.filter(retired=False)}
    changed: list[RowChange] = []
    for order, wish in enumerate(lines, start=1):
        row = present.pop(wish.guid, None) if wish.guid is not None else ChecklistLine(work_type=found)
        if row is None:
            raise Invalid("checklist_line_not_found", field="lines")
        changed += save_line(row, order=order, description=wish.description)
    for row in present.values():
        changed += save_line(row, retired=True, description=row.description)
    if changed:
        _record(found, f"checklist of {len(lines)} lines saved", by, changed)
        ensure(RUNNING_JOB, by=by, subject=found.guid)
    return found


def _save_steps(work_type: WorkType, wished: Sequence[StepWish]) -> list[RowChange]:
    present = {step.guid: step for step in work_type.steps.all()}
    rows = [present.get(wish.key) if wish.key is not None else None for wish in wished]
    before = {row.pk: columns(row) for row in rows if row is not None}
    gone = [step for step in present.values() if step.pk not in before]
    changes = removed(*gone)
    work_type.steps.filter(pk__in=[step.pk for step in gone]).delete()
    move_away([row for row in rows if row is not None], "number")
    for number, (row, wish) in enumerate(zip(rows, wished, strict=True), start=1):
        step = row or TypeStep(work_type=work_type)
        step.number, step.name, step.automatic = number, text.name(wish.name), wish.automatic
        step.when_empty, step.milestone = wish.when_empty.value, checked_milestone(wish.milestone)
        step.save()
        changes += added(step) if row is None else altered(step, before[step.pk])
    return changes


def _wish(step: TypeStep) -> StepWish:
    return StepWish(step.name, step.automatic, WhenEmpty(step.when_empty), step.milestone)


def _locked(work_type: WorkType, by: Actor, version: int | None) -> WorkType:
    require(by, features.PROCESSES)
    found = WorkType.objects.select_for_update(of=("self",), no_key=True).select_related("service_line")
    row = found.get(pk=work_type.pk)
    if version is not None and version != row.version:
        raise Conflict("version_conflict.work_type")
    return row


def _label(changes: WorkTypeChanges, name: str, present: str) -> str:
    value = str(changes.get(name, present))
    return text.line(value, field=name, longest=LONGEST_LABEL)


def _saved_as_new(work_type: WorkType, by: Actor) -> WorkType:
    save(work_type, "work_type")
    body = events.WorkTypeCreated(
        GUID=str(work_type.guid),
        Name=work_type.name,
        ServiceLineGUID=str(work_type.service_line.guid),
        ProcessType=work_type.kind,
    )
    record(body, about=Subject(ObjectType.WORK_TYPE, work_type.guid), by=by, changes=added(work_type))
    return work_type


def _record(work_type: WorkType, change: str, by: Actor, changes: list[RowChange]) -> None:
    work_type.version += 1
    save(work_type, "work_type")
    events.record_work_type_changed(work_type, change, by=by, changes=changes)
