"""The flow of a case version as a graph: steps, nodes and edges, read and saved as a whole."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from workwire.access import features
from workwire.access.policy import require
from workwire.api.auth import actor
from workwire.api.v1.building import AdHocActionIn, placed
from workwire.api.v1.offering import DueRuleIn, allocation_out, due_out
from workwire.api.v1.shapes import Guid, In, Name, answers
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import say
from workwire.rooms.offering import commands, conditions, queries
from workwire.rooms.offering.flow_checks import flaws_of
from workwire.rooms.offering.flow_graphs import Branch, Edge, Flaw, Node, NodeKind, WhenEmpty
from workwire.rooms.offering.version_graphs import VersionGraph, graph_of

router = Router(tags=["building"])

KindOfNode = Literal["action", "condition", "merge", "end"]
EmptyStep = Literal["skip", "manual", "pause"]


class BranchIn(In):
    """A branch of a condition: its own key, its name, and its condition as text, such as ``[amount] > 100``; null for the
    otherwise, which comes last."""

    key: str = Field(min_length=1, max_length=40)
    name: Name
    condition: str | None = None


class ActionNodeIn(AdHocActionIn):
    """The action of a node."""

    launchable: bool = False


class NodeIn(In):
    """A node of a step. `key` is its identity, kept in later versions; a new node gets a new UUID."""

    key: UUID
    kind: KindOfNode
    step: int = Field(ge=1)
    name: str = Field("", max_length=200)
    branches: list[BranchIn] = []
    action: ActionNodeIn | None = None


class EdgeIn(In):
    """From one node to a following one of the same step; out of a condition along the branch with a key."""

    source: UUID
    target: UUID
    branch: str = ""


class FlowStepIn(In):
    """A step; they are numbered from 1 in their order. One that has nothing to do is skipped, started by hand, or pauses the
    case."""

    name: Name
    automatic: bool = True
    when_empty: EmptyStep = "skip"
    milestone: int | None = Field(None, ge=0, le=100)


class FlowIn(In):
    """The whole flow of a draft."""

    steps: list[FlowStepIn]
    nodes: list[NodeIn]
    edges: list[EdgeIn] = []


class BranchOut(Schema):
    """A branch of a condition."""

    key: str
    name: str
    condition: str | None


class ActionNodeOut(Schema):
    """The action of a node."""

    guid: Guid
    work_type: Guid
    number: int
    instructions: str
    due: DueRuleIn | None
    queue: Guid | None
    person: Guid | None
    secondary_person: Guid | None
    job_position: Guid | None
    secondary_job_position: Guid | None
    launchable: bool
    effort_per_record: int | None


class NodeOut(Schema):
    """A node of a step."""

    key: Guid
    kind: KindOfNode
    step: int
    name: str
    branches: list[BranchOut]
    action: ActionNodeOut | None


class EdgeOut(Schema):
    """From one node to a following one."""

    source: Guid
    target: Guid
    branch: str


class FlowStepOut(Schema):
    """A step."""

    number: int
    name: str
    automatic: bool
    when_empty: EmptyStep
    milestone: int | None


class FlawOut(Schema):
    """What is wrong with the flow: a flaw of severity `before_live` keeps the version from going live."""

    code: str
    severity: Literal["must", "before_live"]
    node: str
    step: int | None
    sentence: str


class FlowOut(Schema):
    """The whole flow of a case version, and what is wrong with it."""

    steps: list[FlowStepOut]
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    flaws: list[FlawOut]


@router.get("/process-versions/{uuid:guid}/flow", response=answers(FlowOut), operation_id="get_process_flow")
def get_process_flow(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get the flow of a case version as a graph; builders only."""
    by = actor(request)
    require(by, features.PROCESSES)
    return _flow(guid, by)


@router.put("/process-versions/{uuid:guid}/flow", response=answers(FlowOut), operation_id="save_process_flow")
def save_process_flow(request: HttpRequest, guid: UUID, wish: FlowIn) -> dict[str, Any]:
    """Replace the flow of the draft of a case process; ad hoc actions stay."""
    by = actor(request)
    commands.save_flow(queries.version(guid, by=by), _wish(wish, by), by=by)
    return _flow(guid, by)


def _wish(wish: FlowIn, by: Actor) -> commands.FlowWish:
    steps = [
        commands.StepWish(step.name, step.automatic, WhenEmpty(step.when_empty), step.milestone) for step in wish.steps
    ]
    nodes = [
        Node(str(node.key), NodeKind(node.kind), node.step, node.name, tuple(_branch(one) for one in node.branches))
        for node in wish.nodes
    ]
    edges = [Edge(str(edge.source), str(edge.target), edge.branch) for edge in wish.edges]
    actions = {str(node.key): _action(node.action, by) for node in wish.nodes if node.action is not None}
    return commands.FlowWish(steps, nodes, edges, actions)


def _branch(wish: BranchIn) -> Branch:
    if wish.condition is None:
        return Branch(wish.key, wish.name)
    try:
        return Branch(wish.key, wish.name, conditions.as_json(conditions.parse(wish.condition)))
    except Invalid as error:
        raise error.as_a(Invalid, field="condition") from error


def _action(wish: ActionNodeIn, by: Actor) -> commands.ActionWish:
    return commands.ActionWish(
        queries.work_type(wish.work_type),
        instructions=wish.instructions,
        launchable=wish.launchable,
        checklist=tuple(wish.checklist),
        **placed(wish, by),
    )


def _flow(guid: UUID, by: Actor) -> dict[str, Any]:
    version = queries.version(guid, by=by)
    found = graph_of(version.pk)
    return {
        "steps": [
            {
                "number": stage.number,
                "name": stage.name,
                "automatic": not stage.by_hand,
                "when_empty": stage.when_empty.value,
                "milestone": stage.milestone,
            }
            for stage in found.graph.stages
        ],
        "nodes": [_node(node, found) for node in found.graph.nodes],
        "edges": [{"source": one.source, "target": one.target, "branch": one.branch} for one in found.graph.edges],
        "flaws": [_flaw(flaw) for flaw in flaws_of(version, found)],
    }


def _node(node: Node, found: VersionGraph) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind.value,
        "step": node.stage,
        "name": node.name,
        "branches": [
            {
                "key": branch.key,
                "name": branch.name,
                "condition": conditions.render(conditions.from_json(branch.condition)) if branch.condition else None,
            }
            for branch in node.branches
        ],
        "action": _action_out(found.actions[node.key]) if node.key in found.actions else None,
    }


def _action_out(row: Any) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "work_type": str(row.work_type.guid),
        "number": row.number,
        "instructions": row.instructions,
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "launchable": row.launchable,
        "effort_per_record": row.effort_per_record,
    }


def _flaw(flaw: Flaw) -> dict[str, Any]:
    told = {"node": flaw.name or flaw.node, "step": flaw.stage}
    return {
        "code": flaw.code,
        "severity": flaw.severity.value,
        "node": flaw.node,
        "step": flaw.stage,
        "sentence": say(flaw.code, told),
    }
