"""The flow of a case version as a graph: steps, nodes and edges, read and saved as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from workwire.access import features
from workwire.access.policy import require
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.v1.placements import Placed, placed
from workwire.api.v1.shapes import Guid, In, Name, answers
from workwire.api.v1.version_shapes import DueRuleIn, EmptyStep, allocation_out, due_out
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import say
from workwire.rooms.offering import commands, conditions, queries
from workwire.rooms.offering.flow_checks import flaws_of
from workwire.rooms.offering.flow_graphs import Branch, Edge, Flaw, Node, NodeKind, WhenEmpty
from workwire.rooms.offering.version_graphs import VersionGraph, ad_hoc_actions, graph_of, own_checklists_of

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ActionDefinition, ChecklistLine, ProcessVersion

    Asked = Mapping[int, Sequence[ChecklistLine]]

router = Router(tags=["building"])

KindOfNode = Literal["action", "condition", "merge", "end"]


class BranchIn(In):
    """A branch of a condition: its own key, its name, and its condition as text, such as ``[amount] > 100``; null for the
    otherwise, which comes last."""

    key: str = Field(min_length=1, max_length=40)
    name: Name
    condition: str | None = None


class LineIn(In):
    """A line of a checklist; with the GUID of one that is there it stays that line. A line of an action may stand `before` or
    `after` a line of its type, and moves with that."""

    description: str = Field(min_length=1, max_length=500)
    guid: UUID | None = None
    before: UUID | None = None
    after: UUID | None = None


class KeptActionIn(Placed):
    """An action of a flow; a checklist that is left out stays as it is."""

    work_type: UUID
    instructions: str = ""
    checklist: list[str | LineIn] | None = None


class ActionNodeIn(KeptActionIn):
    """The action of a node."""

    launchable: bool = False


class AdHocNodeIn(In):
    """An action that is only launched by hand; `key` as that of a node."""

    key: UUID
    action: KeptActionIn


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
    case. With the key of a step that is there it stays that step."""

    key: UUID | None = None
    name: Name
    automatic: bool = True
    when_empty: EmptyStep = "skip"
    milestone: int | None = Field(None, ge=0, le=100)


class FlowIn(In):
    """The whole flow of a draft; ad hoc actions stay as they are where they are left out."""

    steps: list[FlowStepIn]
    nodes: list[NodeIn]
    edges: list[EdgeIn] = []
    ad_hoc: list[AdHocNodeIn] | None = None


class BranchOut(Schema):
    """A branch of a condition."""

    key: str
    name: str
    condition: str | None


class LineOut(Schema):
    """A line of the checklist of an action, and the line of its type that it stands before or after."""

    guid: Guid
    description: str
    before: Guid | None
    after: Guid | None


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
    checklist: list[LineOut]


class AdHocNodeOut(Schema):
    """An action that is only launched by hand."""

    key: Guid
    action: ActionNodeOut


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

    key: Guid
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
    ad_hoc: list[AdHocNodeOut]
    flaws: list[FlawOut]
    revision: int


@router.get("/process-versions/{uuid:guid}/flow", response=answers(FlowOut), operation_id="get_process_flow")
def get_process_flow(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get the flow of a case version as a graph; builders only."""
    by = actor(request)
    require(by, features.PROCESSES)
    return _flow(response, queries.version(guid, by=by))


@router.put("/process-versions/{uuid:guid}/flow", response=answers(FlowOut), operation_id="save_process_flow")
def save_process_flow(request: HttpRequest, response: HttpResponse, guid: UUID, wish: FlowIn) -> dict[str, Any]:
    """Replace the flow of the draft of a case process; what has a known key stays what it is."""
    by = actor(request)
    version, wanted = queries.version(guid, by=by), etags.wanted(request)
    return _flow(response, commands.save_flow(version, _wish(wish, by), by=by, revision=wanted))


def lines(wishes: Sequence[str | LineIn]) -> list[commands.LineWish]:
    """The lines of a checklist as commands want them."""
    return [commands.LineWish(one) if isinstance(one, str) else _line(one) for one in wishes]


def line_out(line: ChecklistLine) -> dict[str, Any]:
    """A line of a checklist as it goes out."""
    anchor = str(line.anchor.guid) if line.anchor is not None else None
    return {
        "guid": str(line.guid),
        "description": line.description,
        "before": anchor if line.before else None,
        "after": None if line.before else anchor,
    }


def _line(wish: LineIn) -> commands.LineWish:
    if wish.before is not None and wish.after is not None:
        raise Invalid("checklist_anchor_twice", field="checklist")
    return commands.LineWish(wish.description, wish.guid, wish.before or wish.after, wish.before is not None)


def _wish(wish: FlowIn, by: Actor) -> commands.FlowWish:
    steps = [
        commands.StepWish(step.name, step.automatic, WhenEmpty(step.when_empty), step.milestone, step.key)
        for step in wish.steps
    ]
    nodes = [
        Node(str(node.key), NodeKind(node.kind), node.step, node.name, tuple(_branch(one) for one in node.branches))
        for node in wish.nodes
    ]
    edges = [Edge(str(edge.source), str(edge.target), edge.branch) for edge in wish.edges]
    actions = {str(node.key): _action(node.action, by) for node in wish.nodes if node.action is not None}
    if wish.ad_hoc is None:
        return commands.FlowWish(steps, nodes, edges, actions)
    ad_hoc = {str(one.key): _action(one.action, by) for one in wish.ad_hoc}
    if len(ad_hoc) < len(wish.ad_hoc):
        raise Invalid("flow_action_twice", field="ad_hoc")
    return commands.FlowWish(steps, nodes, edges, actions, ad_hoc)


def _branch(wish: BranchIn) -> Branch:
    if wish.condition is None:
        return Branch(wish.key, wish.name)
    try:
        return Branch(wish.key, wish.name, conditions.as_json(conditions.parse(wish.condition)))
    except Invalid as error:
        raise error.as_a(Invalid, field="condition") from error


def _action(wish: KeptActionIn, by: Actor) -> commands.ActionWish:
    return commands.ActionWish(
        queries.work_type(wish.work_type),
        instructions=wish.instructions,
        launchable=isinstance(wish, ActionNodeIn) and wish.launchable,
        checklist=None if wish.checklist is None else lines(wish.checklist),
        **placed(wish, by),
    )


def _flow(response: HttpResponse, version: ProcessVersion) -> dict[str, Any]:
    found, ad_hoc = graph_of(version.pk), ad_hoc_actions(version)
    asked = own_checklists_of([*found.actions.values(), *ad_hoc])
    etags.tag(response, version.revision)
    return {
        "steps": [
            {
                "key": str(found.steps[stage.number].identity),
                "number": stage.number,
                "name": stage.name,
                "automatic": not stage.by_hand,
                "when_empty": stage.when_empty.value,
                "milestone": stage.milestone,
            }
            for stage in found.graph.stages
        ],
        "nodes": [_node(node, found, asked) for node in found.graph.nodes],
        "edges": [{"source": one.source, "target": one.target, "branch": one.branch} for one in found.graph.edges],
        "ad_hoc": [{"key": str(one.identity), "action": _action_out(one, asked)} for one in ad_hoc],
        "flaws": [_flaw(flaw) for flaw in flaws_of(version, found)],
        "revision": version.revision,
    }


def _node(node: Node, found: VersionGraph, asked: Asked) -> dict[str, Any]:
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
        "action": _action_out(found.actions[node.key], asked) if node.key in found.actions else None,
    }


def _action_out(row: ActionDefinition, asked: Asked) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "work_type": str(row.work_type.guid),
        "number": row.number,
        "instructions": row.instructions,
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "launchable": row.launchable,
        "effort_per_record": row.effort_per_record,
        "checklist": [line_out(line) for line in asked.get(row.pk, ())],
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
