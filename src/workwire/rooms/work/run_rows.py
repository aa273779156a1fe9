"""Where a case stands in its graph, read from its rows.

A case of an earlier release has none yet: where it stands is read from its actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workwire.rooms.offering.version_graphs import VersionGraph, graph_of
from workwire.rooms.work.advancing import NodeState, Phase, Run, Visit
from workwire.rooms.work.models import FlowRun, NodeRun, ResolutionMethod, WorkItem
from workwire.rooms.work.transitions import FINISHED


@dataclass(frozen=True)
class Stored:
    """A run with the graph of its version and its rows: the row of the run, those of nodes by their keys (without what rework
    replaced), and the actions by the nodes they are the runs of."""

    version: VersionGraph
    run: Run
    row: FlowRun | None
    nodes: Mapping[str, NodeRun]
    items: Mapping[str, int]


def begun(case: WorkItem) -> Stored:
    """Where a case stands that has just begun: before its first step."""
    return Stored(graph_of(case.process_version_id), Run(), None, {}, {})


def stored(case: WorkItem) -> Stored:
    """Where a case stands."""
    version = graph_of(case.process_version_id)
    row = FlowRun.objects.filter(case=case.pk).first()
    if row is None:
        run, items = _read_from_actions(case, version)
        return Stored(version, run, None, {}, items)
    nodes = {str(node.node): node for node in NodeRun.objects.filter(run=row.pk, replaced_at=None)}
    visits = {key: Visit(NodeState(node.state), node.in_pass, node.branch) for key, node in nodes.items()}
    items = {key: node.item_id for key, node in nodes.items() if node.item_id is not None}
    return Stored(version, Run(row.stage, row.in_pass, Phase(row.phase), row.ending, visits), row, nodes, items)


def _read_from_actions(case: WorkItem, version: VersionGraph) -> tuple[Run, dict[str, int]]:
    """Where a case stands by its actions alone, and these by the keys of their nodes."""
    if case.started_at is None:
        return Run(), {}
    visits: dict[str, Visit] = {}
    items: dict[str, int] = {}
    for action in WorkItem.objects.filter(parent=case.pk, ad_hoc=False, definition__isnull=False).order_by("pk"):
        if (key := version.key_of(action.definition_id)) is not None:
            visits[key], items[key] = Visit(_state_of(action), 1), action.pk
    stage = case.current_step.number if case.current_step is not None else 0
    return Run(stage, 1, _phase(version, stage, visits), visits=visits), items


def _phase(version: VersionGraph, stage: int, visits: Mapping[str, Visit]) -> Phase:
    if not version.graph.stages:
        return Phase.HALTED
    here = [node.key for node in version.graph.in_stage(stage)]
    states = [visits[key].state for key in here if key in visits]
    if NodeState.FAILED in states:
        return Phase.HALTED
    if len(states) < len(here) or NodeState.RUNNING in states:
        return Phase.RUNNING
    return Phase.HALTED if version.graph.after(stage) is not None else Phase.OVER


def _state_of(action: WorkItem) -> NodeState:
    if action.status not in FINISHED:
        return NodeState.RUNNING
    done = action.resolution_method == ResolutionMethod.DONE_SUCCESSFULLY
    return NodeState.DONE if done else NodeState.FAILED
