"""The flow of a case, step by step, as its rows tell it: what ran, what conditions saw, why it waits, what may be decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering import conditions
from workwire.rooms.offering.flow_graphs import Graph, Node, NodeKind
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import family_sight, policy, queries
from workwire.rooms.work.advancing import NodeState, Phase, Reworked, Run, failed_conditions, is_idle, rework_points
from workwire.rooms.work.models import ConditionEvaluation, NodeRun, Status, WorkItem
from workwire.rooms.work.run_rows import Stored, stored
from workwire.rooms.work.transitions import FINISHED, OPEN


@dataclass(frozen=True, slots=True)
class EvaluationSeen:
    """One evaluation of a condition: the name of the branch it chose, empty where it could not be evaluated, and what each
    comparison saw."""

    at: datetime
    branch: str
    saw: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class PassSeen:
    """One node in one pass; `item` is the action it became. What rework did again was `replaced_at` then."""

    in_pass: int
    state: str
    branch: str
    item: WorkItem | None
    reached_at: datetime
    settled_at: datetime | None
    replaced_at: datetime | None
    evaluations: Sequence[EvaluationSeen]


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node of the graph, what follows it (with the branch that leads there), and its passes so far, the last one last."""

    key: str
    kind: str
    name: str
    follows: Sequence[tuple[str, str]]
    passes: Sequence[PassSeen]


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step: done, current or ahead."""

    number: int
    name: str
    state: str
    milestone: int | None
    nodes: Sequence[NodeSeen]


@dataclass(frozen=True, slots=True)
class FlowSeen:
    """The flow of a case. `waits_for` says why it does not go on by itself; `choices` are what a person may decide now, and
    `rework` from where it may be worked again. `progress` is the milestone of the last step that is done, in per cent."""

    case: WorkItem
    phase: str
    in_pass: int
    progress: int | None
    attention: Statement | None
    waits_for: Sequence[Statement]
    choices: Sequence[str]
    rework: Sequence[Reworked]
    steps: Sequence[StepSeen] = field(default_factory=list)


def flow_of(guid: UUID, *, by: Actor) -> FlowSeen:
    """The flow of a case; raises NotFound, Invalid for another kind of item, and Forbidden in self service."""
    if policy.in_self_service(by):
        raise Forbidden("feature_missing.for_flow")
    case = queries.item(guid, by=by)
    if case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    found = stored(case)
    graph, run = found.version.graph, found.run
    is_open = case.status in OPEN
    points = rework_points(graph, run) if is_open else []
    passes = _passes(case, found, by)
    return FlowSeen(
        case=case,
        phase=run.phase,
        in_pass=run.in_pass,
        progress=_progress(graph, run),
        attention=Statement(**case.attention) if case.attention else None,
        waits_for=_waits_for(case, found),
        choices=_choices(graph, run, points) if is_open else [],
        rework=points,
        steps=_steps(graph, run, passes),
    )


def _passes(case: WorkItem, found: Stored, by: Actor) -> Mapping[str, list[PassSeen]]:
    """The passes of each node, in order; of a case of an earlier release those that its actions tell."""
    actions = {action.pk: action for action in queries.items_under(case, by=by)}
    passes: dict[str, list[PassSeen]] = {}
    if found.row is None:
        for key, visit in found.run.visits.items():
            action = actions.get(found.items[key])
            began = action.created_at if action is not None else case.created_at
            ended = action.closed_on if action is not None else None
            passes[key] = [PassSeen(visit.in_pass, visit.state, "", action, began, ended, None, [])]
        return passes
    rows = list(NodeRun.objects.filter(run=found.row.pk).order_by("pk").prefetch_related("evaluations"))
    evaluations = [one for row in rows for one in row.evaluations.all()]
    origins = {origin for one in evaluations for tried in one.tried for origin in tried.get("origins", {}).values()}
    seen = family_sight.in_sight(origins, by)
    for row in rows:
        key = str(row.node)
        names = _branch_names(found, key)
        passes.setdefault(key, []).append(
            PassSeen(
                row.in_pass,
                row.state,
                names.get(row.branch, ""),
                actions.get(row.item_id or 0),
                row.reached_at,
                row.settled_at,
                row.replaced_at,
                [_evaluation(one, names, seen) for one in row.evaluations.all()],
            )
        )
    return passes


def _branch_names(found: Stored, key: str) -> Mapping[str, str]:
    node = found.version.graph.by_key.get(key)
    return {} if node is None else {branch.key: branch.name for branch in node.branches}


def _evaluation(row: ConditionEvaluation, names: Mapping[str, str], seen: Collection[int]) -> EvaluationSeen:
    """What an evaluation saw, without values written at items that are not among those `seen`; what was kept by an earlier
    release was written at the case itself."""
    saw = list[Statement]()
    for tried in row.tried:
        hidden = {name for name, origin in tried.get("origins", {}).items() if origin not in seen}
        saw += conditions.explain(tried, hidden)
    return EvaluationSeen(row.at, names.get(row.branch, ""), saw)


def _steps(graph: Graph, run: Run, passes: Mapping[str, list[PassSeen]]) -> list[StepSeen]:
    return [
        StepSeen(
            stage.number,
            stage.name,
            _state_of_step(run, stage.number),
            stage.milestone,
            [_node(graph, node, passes.get(node.key, [])) for node in graph.in_stage(stage.number)],
        )
        for stage in graph.stages
    ]


def _node(graph: Graph, node: Node, passes: list[PassSeen]) -> NodeSeen:
    names = {branch.key: branch.name for branch in node.branches}
    follows = [(edge.target, names.get(edge.branch, "")) for edge in graph.out_of[node.key]]
    return NodeSeen(node.key, node.kind, node.name, follows, passes)


def _state_of_step(run: Run, number: int) -> str:
    stopped = any(visit.state == NodeState.STOPPED for visit in run.visits.values())
    if number < run.stage or (number == run.stage and run.phase == Phase.OVER and not stopped):
        return "done"
    return "current" if number == run.stage else "ahead"


def _progress(graph: Graph, run: Run) -> int | None:
    """The highest milestone of the steps that are done."""
    done = [one.milestone for one in graph.stages if _state_of_step(run, one.number) == "done"]
    reached = [milestone for milestone in done if milestone is not None]
    has_some = any(stage.milestone is not None for stage in graph.stages)
    return max(reached, default=0) if has_some else None


def _choices(graph: Graph, run: Run, points: Sequence[Reworked]) -> list[str]:
    """What a person may decide: work again, launch an action, let it go on, abort."""
    goes_on = is_idle(graph, run) or failed_conditions(graph, run)
    return [*(["rework"] if points else []), "launch", *(["continue"] if goes_on else []), "abort"]


def _waits_for(case: WorkItem, found: Stored) -> list[Statement]:
    """Why a running case does not go on by itself, everything that it waits for."""
    if case.status in (Status.DRAFT, *FINISHED):
        return []
    return [*_waiting_nodes(found.version.graph, found.run, found.items), *_waiting_beside(case, found.run)]


def _waiting_nodes(graph: Graph, run: Run, started: Collection[str]) -> Iterator[Statement]:
    for node in graph.in_stage(run.stage):
        state = run.state(node.key)
        if state == NodeState.RUNNING and node.kind == NodeKind.ACTION and node.key not in started:
            yield statement("flow_waits.held", action=node.name)
        elif state == NodeState.RUNNING:
            yield statement("flow_waits.action", action=node.name)
        elif state == NodeState.FAILED and node.kind == NodeKind.ACTION:
            yield statement("flow_waits.failed_action", action=node.name)
        elif state == NodeState.FAILED:
            yield statement("flow_waits.failed_condition", condition=node.name)
        elif state is None and node.kind == NodeKind.MERGE:
            yield statement("flow_waits.merge", merge=node.name)
    if run.phase == Phase.HALTED and is_idle(graph, run) and run.stage in graph.by_number:
        yield statement("flow_waits.person", step=graph.by_number[run.stage].name)
    if run.phase == Phase.HALTED and not graph.stages:
        yield statement("attention.no_step")
    if run.ending and run.phase != Phase.OVER:
        yield statement("flow_waits.ending")


def _waiting_beside(case: WorkItem, run: Run) -> Iterator[Statement]:
    if case.status == Status.WAITING:
        yield statement("flow_waits.wait")
    if run.phase == Phase.OVER:
        for reference in queries.open_items_under(case).order_by("pk").values_list("reference", flat=True):
            yield statement("flow_waits.beside", item=reference)
