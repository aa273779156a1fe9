"""The graph of a case version, read from its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from workwire.rooms.offering.flow_graphs import Branch, Edge, Graph, Node, NodeKind, Placed, Stage, WhenEmpty, linear
from workwire.rooms.offering.models import ActionDefinition, CaseStep, ChecklistLine, FlowNode, ProcessVersion
from workwire.rooms.offering.queries import ALLOCATION, definitions

_ACTION = tuple(f"definition__{name}" for name in ("step", "work_type", *ALLOCATION))


@dataclass(frozen=True)
class VersionGraph:
    """The graph of a version with the rows behind it: steps by number, actions by the key of their node."""

    graph: Graph
    steps: Mapping[int, CaseStep]
    actions: Mapping[str, ActionDefinition]

    def key_of(self, definition_id: int | None) -> str | None:
        """The key of the node of an action; None for one that is only launched by hand."""
        return next((key for key, action in self.actions.items() if action.pk == definition_id), None)


def graph_of(version_id: int) -> VersionGraph:
    """The graph of a version. One that a process of an earlier release made has no nodes: its linear form is read."""
    steps = {step.number: step for step in CaseStep.objects.filter(version=version_id, number__gt=0)}
    rows = FlowNode.objects.filter(version=version_id).select_related(*_ACTION)
    along = list(rows.annotate(to=F("out_of__target__key"), branch=F("out_of__branch")).order_by("pk", "out_of__pk"))
    nodes = list({row.pk: row for row in along}.values())  # a row for each edge out of a node, at least one
    if not nodes:
        return _in_linear_form(version_id, steps)
    numbers = {step.pk: step.number for step in steps.values()}
    graph = Graph(
        _stages(steps),
        tuple(_node(node, numbers[node.step_id]) for node in nodes),
        tuple(Edge(str(row.key), str(row.to), row.branch) for row in along if row.to is not None),
    )
    return VersionGraph(graph, steps, {str(node.key): node.definition for node in nodes if node.definition is not None})


def ad_hoc_actions(version: ProcessVersion) -> list[ActionDefinition]:
    """The actions of a case version that are only launched by hand."""
    return list(definitions().filter(step__version=version.pk, step__number=0).order_by("number"))


def own_checklists_of(actions: Iterable[ActionDefinition]) -> dict[int, list[ChecklistLine]]:
    """The lines that actions have of their own, by number."""
    found: dict[int, list[ChecklistLine]] = {}
    lines = ChecklistLine.objects.filter(definition__in=[one.pk for one in actions]).select_related("anchor")
    for line in lines.order_by("order", "pk"):
        found.setdefault(line.definition_id or 0, []).append(line)
    return found


def branches_read(written: list[dict[str, Any]]) -> tuple[Branch, ...]:
    """The branches of a condition as its node keeps them."""
    return tuple(Branch(one["key"], one["name"], one["condition"]) for one in written)


def branches_written(branches: tuple[Branch, ...]) -> list[dict[str, Any]]:
    """The same, as they are kept."""
    return [{"key": one.key, "name": one.name, "condition": one.condition} for one in branches]


def _in_linear_form(version_id: int, steps: Mapping[int, CaseStep]) -> VersionGraph:
    actions = {
        str(action.guid): action for action in definitions().filter(step__version=version_id, step__number__gt=0)
    }
    placed = [Placed(key, action.step.number, action.branch, action.position) for key, action in actions.items()]
    return VersionGraph(linear(_stages(steps), placed), steps, actions)


def _stages(steps: Mapping[int, CaseStep]) -> tuple[Stage, ...]:
    return tuple(
        Stage(number, step.name, not step.automatic, WhenEmpty(step.when_empty), step.milestone)
        for number, step in sorted(steps.items())
    )


def _node(row: FlowNode, stage: int) -> Node:
    name = row.definition.work_type.name if row.definition is not None else row.name
    return Node(str(row.key), NodeKind(row.kind), stage, name, branches_read(row.branches))
