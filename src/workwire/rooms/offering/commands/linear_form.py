"""The linear form of a flow: an action at the end of a branch of a step becomes a node after the last one there."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model

from workwire.rooms.offering.flow_graphs import Graph, NodeKind
from workwire.rooms.offering.models import ActionDefinition, FlowEdge, FlowNode, ProcessVersion


def place(version: ProcessVersion, action: ActionDefinition) -> list[Model]:
    """Add a new action of a draft to its graph; returns the new rows."""
    node = FlowNode.objects.create(
        version=version, step=action.step, key=action.identity, kind=NodeKind.ACTION, definition=action
    )
    before = FlowNode.objects.filter(
        definition__step=action.step_id, definition__branch=action.branch, definition__position=action.position - 1
    ).first()
    if before is None:
        return [node]
    return [node, FlowEdge.objects.create(version=version, source=before, target=node)]


def coordinates(graph: Graph) -> Mapping[str, tuple[int, int]]:
    """The branch and the position of each action of a graph, by key: an action that alone follows another one directly stands
    in its branch, others begin one."""
    found: dict[str, tuple[int, int]] = {}
    for stage in graph.stages:
        branch = 0
        for node in graph.in_stage(stage.number):
            if node.kind != NodeKind.ACTION:
                continue
            before = [edge.source for edge in graph.into[node.key] if len(graph.out_of[edge.source]) == 1]
            if before and before[0] in found:
                found[node.key] = (found[before[0]][0], found[before[0]][1] + 1)
            else:
                branch += 1
                found[node.key] = (branch, 1)
    return found
