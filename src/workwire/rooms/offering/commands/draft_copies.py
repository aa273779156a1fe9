"""A draft that begins as a copy: of another version of its process, or of the live version of another process."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.rooms.offering import queries
from workwire.rooms.offering.commands import linear_form
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.step_refreshing import hold_steps, own_steps
from workwire.rooms.offering.conditions.known_fields import ANSWER
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    ChecklistLine,
    FlowEdge,
    FlowNode,
    Process,
    ProcessType,
    ProcessVersion,
    TicketCategory,
    VersionState,
    WorkType,
)

_Part = TypeVar("_Part", bound=Model)


@transaction.atomic
def copy_version(source: ProcessVersion, *, by: Actor) -> ProcessVersion:
    """Begin the draft of a process as a copy of a version of it. What is in the copy has the identity of what it was copied
    from; conditions ask the lines of the copy. Raises Conflict where the process has a draft."""
    require(by, features.PROCESSES)
    process = versions.locked_process(source.process_id, by)
    source = process.versions.get(pk=source.pk)
    number = versions.next_number(process)
    draft = _copy(source, process=process, number=number, state=VersionState.DRAFT, revision=1)
    draft.save()
    parts = copy_content(source, draft)
    versions.record_begin(draft, by, added(draft, *parts))
    return draft


@transaction.atomic
def clone_process(source: Process, process: Process, *, by: Actor) -> ProcessVersion:
    """Begin the draft of a process as a copy of the live version of another one of the same service line, all but its
    schedule.

    Where the case types differ, names of steps are not copied: actions keep the place of their step among those of the type,
    and what lies in steps that the type does not have becomes ad hoc. Raises Conflict where the process has a draft, or the
    other one is not live.
    """
    require(by, features.PROCESSES)
    process = versions.locked_process(process.pk, by)
    _check_alike(source, process)
    live = queries.versions_visible_to(by).filter(process=source.pk, state=VersionState.LIVE).first()
    if live is None:
        raise Conflict("clone_source_not_live", field="source")
    number = versions.next_number(process)
    draft = _copy(live, process=process, number=number, state=VersionState.DRAFT, revision=1, schedule=None)
    draft.save()
    parts = copy_content(live, draft)
    versions.record_begin(draft, by, added(draft, *parts))
    if source.work_type_id != process.work_type_id and process.work_type.kind == ProcessType.CASE:
        changes = _take_steps_by_position(draft, process.work_type)
        versions.record_change(draft, "steps of the type taken", by, changes)
    return draft


def _check_alike(source: Process, process: Process) -> None:
    if source.pk == process.pk:
        raise Invalid("clone_source_invalid.itself", field="source")
    if source.work_type.service_line_id != process.work_type.service_line_id:
        raise Invalid("clone_source_invalid.service_line", field="source")
    if source.work_type.kind != process.work_type.kind:
        raise Invalid("clone_source_invalid.kind", field="source")


def _take_steps_by_position(draft: ProcessVersion, work_type: WorkType) -> list[RowChange]:
    """Let the steps of a draft be those of its type, one by one; where the type has none, they are called by their numbers."""
    wanted, present = list(work_type.steps.all()), own_steps(draft)
    if wanted:
        return hold_steps(draft, list(zip_longest(wanted, present[: len(wanted)])), present)
    changes: list[RowChange] = []
    for step in present:
        before = columns(step)
        step.key, step.name = None, f"Step {step.number}"
        step.save()
        changes += altered(step, before)
    return changes


def copy_content(source: ProcessVersion, draft: ProcessVersion) -> list[Model]:
    """Fill an empty draft with copies of what is in another version; returns the new rows."""
    made: list[Model] = list(_categories(source, draft).values())
    steps = _made(CaseStep, {row.pk: _copy(row, key=row.identity, version=draft) for row in source.steps.all()})
    found = (
        ActionDefinition.objects.filter(step__version=source.pk)
        .select_related("node")
        .order_by("step__number", "number")
    )
    actions = _made(
        ActionDefinition, {row.pk: _copy(row, key=_identity(row), step=steps[row.step_id]) for row in found}
    )
    asked = {row.pk: row for row in ChecklistLine.objects.filter(definition__in=actions).order_by("pk")}
    lines = _made(
        ChecklistLine, {pk: _copy(row, definition=actions[row.definition_id or 0]) for pk, row in asked.items()}
    )
    instead = {str(asked[pk].guid): str(line.guid) for pk, line in lines.items()}
    made += [*steps.values(), *actions.values(), *lines.values()]
    return made + _graph(source, draft, steps, actions, instead)


def _graph(
    source: ProcessVersion,
    draft: ProcessVersion,
    steps: Mapping[int, CaseStep],
    actions: Mapping[int, ActionDefinition],
    instead: Mapping[str, str],
) -> list[Model]:
    """Copies of nodes and edges. What a process of an earlier release made has none: its linear form is read."""
    nodes: dict[int, FlowNode] = {}
    for row in source.nodes.order_by("pk"):
        action = actions[row.definition_id] if row.definition_id else None
        branches = _asking(row.branches, instead)
        nodes[row.pk] = _copy(row, version=draft, step=steps[row.step_id], definition=action, branches=branches)
    if not nodes:
        placed = sorted(actions.values(), key=lambda one: (one.step.number, one.branch, one.position))
        return [row for one in placed if one.step.number > versions.AD_HOC for row in linear_form.place(draft, one)]
    nodes = _made(FlowNode, nodes)
    edges = {
        row.pk: _copy(row, version=draft, source=nodes[row.source_id], target=nodes[row.target_id])
        for row in source.edges.order_by("pk")
    }
    return [*nodes.values(), *_made(FlowEdge, edges).values()]


def _categories(source: ProcessVersion, draft: ProcessVersion) -> dict[int, TicketCategory]:
    made: dict[int, TicketCategory] = {}
    for level in range(1, versions.DEEPEST_CATEGORY + 1):
        found = source.categories.filter(level=level).order_by("pk")
        copies = {
            row.pk: _copy(row, key=row.identity, version=draft, parent=made[row.parent_id] if row.parent_id else None)
            for row in found
        }
        made |= _made(TicketCategory, copies)
    return made


def _identity(action: ActionDefinition) -> Any:
    node = getattr(action, "node", None)
    return node.key if node is not None else action.identity


def _copy(row: _Part, **instead: Any) -> _Part:
    """A row that is not saved yet, with the columns of another one but for a GUID of its own and what is given instead."""
    columns = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    columns |= {"guid": ids.new_guid()} if "guid" in columns else {}
    made = type(row)(**columns)
    for name, value in instead.items():
        setattr(made, name, value)
    return made


def _made(kind: type[_Part], copies: Mapping[int, _Part]) -> dict[int, _Part]:
    """Save copies, which are told by the numbers of what they were copied from."""
    rows = kind._base_manager.bulk_create(list(copies.values()), batch_size=500)
    return dict(zip(copies, rows, strict=True))


def _asking(branches: list[dict[str, Any]], instead: Mapping[str, str]) -> list[dict[str, Any]]:
    """Branches whose conditions ask other checklist lines instead of those they asked."""
    return [branch | {"condition": _replaced(branch["condition"], instead)} for branch in branches]


def _replaced(written: Any, instead: Mapping[str, str]) -> Any:
    if isinstance(written, list):
        return [_replaced(one, instead) for one in written]
    if not isinstance(written, dict):
        return written
    name = written.get("field")
    if isinstance(name, str) and name.startswith(ANSWER):
        return {"field": ANSWER + instead.get(name.removeprefix(ANSWER), name.removeprefix(ANSWER))}
    return {key: _replaced(one, instead) for key, one in written.items()}
