"""The parts of a draft, each changed or removed on its own: the version itself, its steps, its actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Max

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.commitments.rules import DueRule
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.checklists import LineWish, save_lines
from workwire.rooms.offering.commands.process_versions import AD_HOC, Allocation
from workwire.rooms.offering.commands.renumbering import numbered
from workwire.rooms.offering.commands.saving import prose
from workwire.rooms.offering.flow_graphs import WhenEmpty
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    FlowEdge,
    FlowNode,
    ProcessType,
    ProcessVersion,
    Schedule,
    WorkType,
)
from workwire.rooms.offering.queries import ALLOCATION

if TYPE_CHECKING:
    from workwire.access.models import User
    from workwire.rooms.work.models import JobPosition, Queue


class WorkChanges(TypedDict, total=False):
    """When work is due, to whom it goes and how long it takes; what is not named stays."""

    due: DueRule | None
    queue: Queue | None
    person: User | None
    secondary_person: User | None
    job_position: JobPosition | None
    secondary_job_position: JobPosition | None
    effort_per_record: int | None


class VersionChanges(WorkChanges, total=False):
    """What may be changed of a version itself; what is not named stays."""

    schedule: Schedule | None
    requires_primary_contact: bool
    requires_requester: bool
    requires_description: bool
    title_editable: bool


class StepChanges(TypedDict, total=False):
    """What may be changed of a step; `number` is its new place. What is not named stays."""

    name: str
    automatic: bool
    when_empty: WhenEmpty
    milestone: int | None
    number: int


class ActionChanges(WorkChanges, total=False):
    """What may be changed of an action, its checklist as a whole; what is not named stays."""

    work_type: WorkType
    instructions: str
    launchable: bool
    checklist: Sequence[str | LineWish]


@transaction.atomic
def change_version(
    version: ProcessVersion, *, by: Actor, revision: int | None = None, **changes: Unpack[VersionChanges]
) -> ProcessVersion:
    """Change a draft itself, not what is in it; recorded once, and not at all when nothing differs. Raises Conflict for a
    revision that has passed."""
    version = versions.draft(version, None, by, revision)
    before = columns(version)
    change_work(version, changes)
    version.schedule = changes.get("schedule", version.schedule)
    version.requires_primary_contact = changes.get("requires_primary_contact", version.requires_primary_contact)
    version.requires_requester = changes.get("requires_requester", version.requires_requester)
    version.requires_description = changes.get("requires_description", version.requires_description)
    version.title_editable = changes.get("title_editable", version.title_editable)
    if changed := altered(version, before):
        version.save()
        versions.record_change(version, "changed", by, changed)
    return version


@transaction.atomic
def change_step(step: CaseStep, *, by: Actor, revision: int | None = None, **changes: Unpack[StepChanges]) -> CaseStep:
    """Change a step of a draft, or move it with all that lies in it; recorded once, and not at all when nothing differs.
    Raises Conflict for a revision that has passed."""
    version, step = _step(step, by, revision)
    before = columns(step)
    if changes.get("name", step.name) != step.name or changes.get("number", step.number) != step.number:
        versions.check_own_steps(version)
    if "name" in changes:
        step.name = text.name(changes["name"])
    step.automatic = changes.get("automatic", step.automatic)
    step.when_empty = changes.get("when_empty", WhenEmpty(step.when_empty)).value
    step.milestone = checked_milestone(changes.get("milestone", step.milestone))
    changed = altered(step, before)
    if changed:
        step.save()
    if "number" in changes:
        changed += _move(version, step, changes["number"])
    if changed:
        versions.record_change(version, f"step {step.name} changed", by, changed)
    return step


@transaction.atomic
def remove_step(step: CaseStep, *, by: Actor, revision: int | None = None) -> ProcessVersion:
    """Remove a step of a draft: its actions become ad hoc actions, its conditions, merges and ends go, the later steps move
    up. Raises Conflict for a revision that has passed."""
    version, step = _step(step, by, revision)
    versions.check_own_steps(version)
    changes = drop_step(version, step)
    changes += numbered(version.steps.filter(number__gt=AD_HOC).order_by("number"))
    versions.record_change(version, f"step {step.name} removed", by, changes)
    return version


@transaction.atomic
def change_action(
    action: ActionDefinition, *, by: Actor, revision: int | None = None, **changes: Unpack[ActionChanges]
) -> ActionDefinition:
    """Change an action of a draft; recorded once, and not at all when nothing differs. Raises Conflict for a revision that has
    passed."""
    version, action = _action(action, by, revision)
    before = columns(action)
    change_work(action, changes)
    if "work_type" in changes:
        versions.check_action_type(version, changes["work_type"])
        action.work_type = changes["work_type"]
    if "instructions" in changes:
        action.instructions = prose(changes["instructions"])
    action.launchable = changes.get("launchable", action.launchable) or action.step.number == AD_HOC
    changed = altered(action, before)
    if changed:
        action.save()
    if "checklist" in changes:
        changed += save_lines(action, changes["checklist"], list(action.checklist.all()))
    if changed:
        versions.record_change(version, f"action {_called(action)} changed", by, changed)
    return action


@transaction.atomic
def remove_action(action: ActionDefinition, *, by: Actor, revision: int | None = None) -> ProcessVersion:
    """Remove an action of a draft; what followed it then follows what it followed. Raises Conflict for a revision that has
    passed."""
    version, action = _action(action, by, revision)
    step, called = action.step, _called(action)
    node = FlowNode.objects.filter(definition=action).first()
    changes = _take_out(node) if node is not None else []
    changes += removed(*action.checklist.all(), action)
    action.delete()
    changes += numbered(step.actions.order_by("number"))
    changes += drop_if_empty(step)
    versions.record_change(version, f"action {called} removed", by, changes)
    return version


def drop_step(version: ProcessVersion, step: CaseStep) -> list[RowChange]:
    """Remove a step of a draft, and its nodes, but for the actions, which become ad hoc actions; returns the changes."""
    actions = list(step.actions.select_related("node").order_by("number"))
    changes = _take_apart(step)
    for action in actions:
        changes += _make_ad_hoc(version, action)
    changes += removed(step)
    step.delete()
    return changes


def change_work(row: ProcessVersion | ActionDefinition, changes: Mapping[str, Any]) -> None:
    """Set when work is due, to whom it goes and how long it takes; raises Invalid for what is newly named and retired."""
    if "due" in changes:
        row.due_rule = versions.rule_written(changes["due"])
    if "effort_per_record" in changes:
        row.effort_per_record = versions.checked_effort(changes["effort_per_record"])
    named = {name: changes[name] for name in ALLOCATION if name in changes}
    Allocation(**{name: one for name, one in named.items() if one != getattr(row, name)}).check()
    for name, one in named.items():
        setattr(row, name, one)


def checked_milestone(milestone: int | None) -> int | None:
    """How much of a case is done with a step, in per cent; raises Invalid."""
    if milestone is not None and not 0 <= milestone <= 100:
        raise Invalid("milestone_invalid", field="milestone")
    return milestone


def ad_hoc_step(version: ProcessVersion) -> tuple[CaseStep, list[RowChange]]:
    """The step of a draft that holds what is only launched by hand, made where there is none, and the changes."""
    step, is_new = CaseStep.objects.get_or_create(version=version, number=AD_HOC, defaults={"name": "Ad hoc"})
    return step, added(step) if is_new else []


def drop_if_empty(step: CaseStep) -> list[RowChange]:
    """Remove the step for what is only launched by hand once nothing is left in it; returns the changes."""
    if step.number != AD_HOC or step.actions.exists():
        return []
    changes = removed(step)
    step.delete()
    return changes


def _step(step: CaseStep, by: Actor, revision: int | None) -> tuple[ProcessVersion, CaseStep]:
    """A draft and one of its steps, once the process is locked; raises NotFound for one that is gone, Invalid for that of the
    ad hoc actions."""
    version = versions.draft(step.version, ProcessType.CASE, by, revision)
    found = version.steps.filter(pk=step.pk).first()
    if found is None:
        raise not_found("case_step")
    if found.number == AD_HOC:
        raise Invalid("step_of_ad_hoc_actions")
    return version, found


def _action(action: ActionDefinition, by: Actor, revision: int | None) -> tuple[ProcessVersion, ActionDefinition]:
    """A draft and one of its actions, once the process is locked; raises NotFound for one that is gone."""
    version = versions.draft(action.step.version, ProcessType.CASE, by, revision)
    found = ActionDefinition.objects.select_related("step", "work_type", *ALLOCATION).filter(pk=action.pk).first()
    if found is None:
        raise not_found("action_definition")
    return version, found


def _called(action: ActionDefinition) -> str:
    return f"{action.step.number}.{action.number} {action.work_type.name}"


def _move(version: ProcessVersion, step: CaseStep, number: int) -> list[RowChange]:
    others = list(version.steps.filter(number__gt=AD_HOC).exclude(pk=step.pk).order_by("number"))
    if not 1 <= number <= len(others) + 1:
        raise Invalid("step_number_invalid", field="number", most=len(others) + 1)
    others.insert(number - 1, step)
    return numbered(others)


def _take_apart(step: CaseStep) -> list[RowChange]:
    """Remove the nodes of a step and their edges; returns the changes."""
    edges = list(FlowEdge.objects.filter(source__step=step))
    nodes = list(step.nodes.all())
    changes = removed(*edges, *nodes)
    FlowEdge.objects.filter(pk__in=[edge.pk for edge in edges]).delete()
    step.nodes.all().delete()
    return changes


def _make_ad_hoc(version: ProcessVersion, action: ActionDefinition) -> list[RowChange]:
    """Move an action to those that are only launched by hand; returns the changes."""
    step, changes = ad_hoc_step(version)
    before = columns(action)
    node = getattr(action, "node", None)
    last = step.actions.aggregate(number=Max("number"), position=Max("position"))
    action.step, action.branch, action.launchable = step, 1, True
    action.number, action.position = (last["number"] or 0) + 1, (last["position"] or 0) + 1
    action.key = node.key if node is not None and node.key != action.guid else action.key
    action.save()
    return changes + altered(action, before)


def _take_out(node: FlowNode) -> list[RowChange]:
    """Remove a node; what it leads to follows what leads to it. Returns the changes."""
    into, out_of = list(node.into.all()), list(node.out_of.all())
    changes = removed(*into, *out_of, node)
    node.delete()
    for before in into:
        for after in out_of:
            edge, is_new = FlowEdge.objects.get_or_create(
                version_id=node.version_id, source_id=before.source_id, target_id=after.target_id, branch=before.branch
            )
            changes += added(edge) if is_new else []
    return changes
