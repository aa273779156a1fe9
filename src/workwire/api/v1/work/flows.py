"""How a case flows, and how it ends early or goes back: explained, aborted, discarded, worked again."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from workwire.api.auth import actor
from workwire.api.v1.shapes import Guid, In, Moment, StatementOut, answers, rfc3339
from workwire.api.v1.spelling import StatusName, spelled
from workwire.api.v1.work.shapes import ItemOut, do
from workwire.kernel.wording import Statement
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, explained_flow, queries
from workwire.rooms.work.explained_flow import EvaluationSeen, FlowSeen, NodeSeen, PassSeen, StepSeen

router = Router()


class Rework(In):
    """Where to begin again: at the beginning of a step, or at the action of a node in it; and what is ended besides. A `note`
    is kept with the case."""

    step: int
    node: UUID | None = None
    end_sub_cases: bool = False
    end_ad_hoc_actions: bool = False
    schedule_period: UUID | None = None
    note: Annotated[str, Field(max_length=conversations.LONGEST_BODY)] = ""


class EvaluationOut(Schema):
    """One evaluation of a condition: the branch it took, empty where it could not be evaluated, and what it saw."""

    at: Moment
    branch: str
    saw: list[StatementOut]


class PassOut(Schema):
    """One node in one pass; rework makes another pass and leaves `replaced_at` at the earlier one."""

    number: int
    state: Literal["running", "done", "failed", "skipped", "kept", "stopped"]
    branch: str
    item: Guid | None
    reference: str
    status: StatusName | None
    reached_at: Moment
    settled_at: Moment | None
    replaced_at: Moment | None
    evaluations: list[EvaluationOut]


class FollowerOut(Schema):
    """A node that follows, and the name of the branch that leads there."""

    node: Guid
    branch: str


class FlowNodeOut(Schema):
    """A node, what follows it, and how it stands: no pass where the flow has not come to it."""

    key: Guid
    kind: Literal["action", "condition", "merge", "end"]
    name: str
    follows: list[FollowerOut]
    passes: list[PassOut]


class StepOfCase(Schema):
    """A step of a case: done, current or ahead."""

    number: int
    name: str
    state: Literal["done", "current", "ahead"]
    milestone: int | None
    nodes: list[FlowNodeOut]


class ReworkPlace(Schema):
    """Where rework may begin: at the beginning of a step, or at the action of a node in it."""

    step: int
    node: Guid | None


class CaseFlowOut(Schema):
    """The flow of a case. `waits_for` says why it does not go on by itself; `attention` why a person must decide, and
    `choices` what may be decided now."""

    phase: Literal["running", "halted", "over"]
    in_pass: int
    progress: int | None
    attention: StatementOut | None
    waits_for: list[StatementOut]
    choices: list[Literal["rework", "launch", "continue", "abort"]]
    rework: list[ReworkPlace]
    steps: list[StepOfCase]


@router.get("/work-items/{uuid:guid}/flow", response=answers(CaseFlowOut), operation_id="get_case_flow")
def get_case_flow(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Explain the flow of a case, step by step."""
    return _flow(explained_flow.flow_of(guid, by=actor(request)))


@router.post("/work-items/{uuid:guid}/abort", response=answers(ItemOut), operation_id="abort_case")
def abort(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Abort a running case: it and everything below it are closed for good."""
    return do(commands.abort, request, response, guid)


@router.post("/work-items/{uuid:guid}/discard", response=answers(ItemOut), operation_id="discard_draft")
def discard(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Discard a draft: it is closed for good."""
    return do(commands.discard, request, response, guid)


@router.post("/work-items/{uuid:guid}/rework", response=answers(ItemOut), operation_id="rework_case")
def rework(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Rework) -> dict[str, Any]:
    """Send a case back to an earlier place in its flow, asked for at the case or at an action of it."""
    return do(conversations.rework, request, response, guid, **wish.dict())


def _flow(seen: FlowSeen) -> dict[str, Any]:
    return {
        "phase": seen.phase,
        "in_pass": seen.in_pass,
        "progress": seen.progress,
        "attention": None if seen.attention is None else _stated(seen.attention),
        "waits_for": [_stated(said) for said in seen.waits_for],
        "choices": list(seen.choices),
        "rework": [{"step": place.stage, "node": place.node or None} for place in seen.rework],
        "steps": [_step(step) for step in seen.steps],
    }


def _step(step: StepSeen) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "state": step.state,
        "milestone": step.milestone,
        "nodes": [_node(node) for node in step.nodes],
    }


def _node(node: NodeSeen) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind,
        "name": node.name,
        "follows": [{"node": key, "branch": branch} for key, branch in node.follows],
        "passes": [_pass(one) for one in node.passes],
    }


def _pass(one: PassSeen) -> dict[str, Any]:
    return {
        "number": one.in_pass,
        "state": one.state,
        "branch": one.branch,
        "item": None if one.item is None else str(one.item.guid),
        "reference": "" if one.item is None else one.item.reference or "",
        "status": None if one.item is None else spelled(queries.Status(one.item.status)),
        "reached_at": rfc3339(one.reached_at),
        "settled_at": rfc3339(one.settled_at),
        "replaced_at": rfc3339(one.replaced_at),
        "evaluations": [_evaluation(evaluation) for evaluation in one.evaluations],
    }


def _evaluation(one: EvaluationSeen) -> dict[str, Any]:
    return {"at": rfc3339(one.at), "branch": one.branch, "saw": [_stated(said) for said in one.saw]}


def _stated(said: Statement) -> dict[str, Any]:
    return {**said.as_json(), "sentence": said.sentence()}
