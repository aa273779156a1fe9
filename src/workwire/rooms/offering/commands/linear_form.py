"""The linear form of a flow: an action at the end of a branch of a step becomes a node after the last one there."""

from __future__ import annotations

from django.db.models import Model

from workwire.rooms.offering.flow_graphs import NodeKind
from workwire.rooms.offering.models import ActionDefinition, FlowEdge, FlowNode, ProcessVersion


def place(version: ProcessVersion, action: ActionDefinition) -> list[Model]:
    """Add a new action of a draft to its graph; returns the new rows."""
    node = FlowNode.objects.create(
        version=version, step=action.step, key=action.guid, kind=NodeKind.ACTION, definition=action
    )
    before = FlowNode.objects.filter(
        definition__step=action.step_id, definition__branch=action.branch, definition__position=action.position - 1
    ).first()
    if before is None:
        return [node]
    return [node, FlowEdge.objects.create(version=version, source=before, target=node)]
