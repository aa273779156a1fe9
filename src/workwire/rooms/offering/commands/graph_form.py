"""The graph form of a flow: all steps, nodes and edges of a draft, saved at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Model

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import RowChange, added, removed
from workwire.rooms.commitments.rules import DueRule
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.process_versions import NOBODY, Allocation
from workwire.rooms.offering.commands.saving import prose
from workwire.rooms.offering.findings import Severity
from workwire.rooms.offering.flow_graphs import Edge, Graph, Node, NodeKind, Stage, WhenEmpty, flaws
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    ChecklistLine,
    FlowEdge,
    FlowNode,
    ProcessType,
    ProcessVersion,
    WorkType,
)
from workwire.rooms.offering.version_graphs import branches_written

MOST_STEPS, MOST_NODES, MOST_EDGES, MOST_BRANCHES = 100, 1000, 3000, 50


@dataclass(frozen=True, slots=True)
class StepWish:
    """A step to save; they are numbered from 1 in their order."""

    name: str
    automatic: bool = True
    when_empty: WhenEmpty = WhenEmpty.SKIP
    milestone: int | None = None


@dataclass(frozen=True, slots=True)
class ActionWish:
    """The action of a node to save."""

    work_type: WorkType
    instructions: str = ""
    due: DueRule | None = None
    allocation: Allocation = NOBODY
    launchable: bool = False
    checklist: tuple[str, ...] = ()
    effort_per_record: int | None = None


@dataclass(frozen=True, slots=True)
class FlowWish:
    """A flow to save: steps, nodes with the number of their step as stage, edges, and the actions by the keys of their
    nodes."""

    steps: Sequence[StepWish]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    actions: Mapping[str, ActionWish]

    @property
    def graph(self) -> Graph:
        """The graph that is wished for; actions are called by their types."""
        nodes = (
            replace(node, name=self.actions[node.key].work_type.name) if node.key in self.actions else node
            for node in self.nodes
        )
        stages = (
            Stage(number, step.name, not step.automatic, step.when_empty, step.milestone)
            for number, step in enumerate(self.steps, start=1)
        )
        return Graph(tuple(stages), tuple(nodes), tuple(self.edges))


@transaction.atomic
def save_flow(version: ProcessVersion, wish: FlowWish, *, by: Actor) -> ProcessVersion:
    """Replace the flow of the draft of a case process; what is only launched by hand stays. Raises Invalid for a graph that
    must not be saved."""
    version = versions.draft(version, ProcessType.CASE, by)
    _check(wish)
    changes = _remove(version)
    steps = [_step(version, number, step) for number, step in enumerate(wish.steps, start=1)]
    changes += added(*steps)
    nodes: dict[str, FlowNode] = {}
    for node in wish.nodes:
        nodes[node.key], rows = _node(version, steps[node.stage - 1], node, wish.actions.get(node.key))
        changes += added(*rows)
    edges = [
        FlowEdge(version=version, source=nodes[edge.source], target=nodes[edge.target], branch=edge.branch)
        for edge in wish.edges
    ]
    changes += added(*FlowEdge.objects.bulk_create(edges))
    versions.record_change(version, f"flow of {len(steps)} steps and {len(nodes)} nodes saved", by, changes)
    return version


def _check(wish: FlowWish) -> None:
    for given, most, field in (
        (wish.steps, MOST_STEPS, "steps"),
        (wish.nodes, MOST_NODES, "nodes"),
        (wish.edges, MOST_EDGES, "edges"),
        *((node.branches, MOST_BRANCHES, "branches") for node in wish.nodes),
    ):
        if len(given) > most:
            raise Invalid("flow_too_large", field=field, most=most)
    actions = {node.key for node in wish.nodes if node.kind == NodeKind.ACTION}
    if actions != wish.actions.keys():
        raise Invalid("flow_action_missing", field="nodes")
    for flaw in flaws(wish.graph):
        if flaw.severity == Severity.MUST:
            raise Invalid(flaw.code, field="nodes", node=flaw.name or flaw.node, step=flaw.stage)


def _remove(version: ProcessVersion) -> list[RowChange]:
    """Remove all steps of a draft with what lies in them; returns the changes."""
    steps = version.steps.filter(number__gt=0)
    actions = ActionDefinition.objects.filter(step__in=steps)
    gone: list[Model] = [
        *version.edges.all(),
        *version.nodes.all(),
        *ChecklistLine.objects.filter(definition__in=actions),
        *actions,
        *steps,
    ]
    changes = removed(*gone)
    version.edges.all().delete()
    version.nodes.all().delete()
    steps.delete()
    return changes


def _step(version: ProcessVersion, number: int, wish: StepWish) -> CaseStep:
    if wish.milestone is not None and not 0 <= wish.milestone <= 100:
        raise Invalid("milestone_invalid", field="steps")
    return CaseStep.objects.create(
        version=version,
        number=number,
        name=text.name(wish.name),
        automatic=wish.automatic,
        when_empty=wish.when_empty.value,
        milestone=wish.milestone,
    )


def _node(version: ProcessVersion, step: CaseStep, node: Node, wish: ActionWish | None) -> tuple[FlowNode, list[Model]]:
    """A node with all its rows."""
    rows: list[Any] = [] if wish is None else list(_action(version, step, wish))
    definition = rows[0] if rows else None
    name = "" if wish is not None else text.name(node.name)
    made = FlowNode.objects.create(
        version=version,
        step=step,
        key=node.key,
        kind=node.kind.value,
        name=name,
        definition=definition,
        branches=branches_written(node.branches),
    )
    return made, [*rows, made]


def _action(version: ProcessVersion, step: CaseStep, wish: ActionWish) -> Sequence[Any]:
    """An action with its checklist, each beside the others: the edges say what follows what."""
    versions.check_action_type(version, wish.work_type)
    wish.allocation.check()
    number = step.actions.count() + 1
    action = ActionDefinition.objects.create(
        step=step,
        work_type=wish.work_type,
        number=number,
        branch=number,
        instructions=prose(wish.instructions),
        due_rule=versions.rule_written(wish.due),
        **wish.allocation.columns(),
        launchable=wish.launchable,
        effort_per_record=versions.checked_effort(wish.effort_per_record),
    )
    lines = versions.checklist_lines(wish.checklist, start=1, definition=action)
    return [action, *ChecklistLine.objects.bulk_create(lines)]
