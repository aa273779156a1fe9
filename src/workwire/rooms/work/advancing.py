"""How a case advances through the graph of its version: pure, from one run and one happening to the next run and effects.

An edge is *taken* when its source is done (and, out of a condition, its branch was chosen), *dead* when its source was passed
over or another branch was chosen, and open before that. A node is reached when no edge into it is open and one is taken; with
dead ones only it is passed over. So a merge waits for all parallel branches, and for the one taken of conditional ones. A
happening that does not fit the run any more (a late one) changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from workwire.rooms.offering.flow_graphs import Edge, Graph, Node, NodeKind, WhenEmpty


class NodeState(StrEnum):
    """How a node stands that the flow came to; `kept` is the answer of a condition that rework does not ask again, `stopped`
    what ran when the case was aborted or went back."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    KEPT = "kept"
    STOPPED = "stopped"


class Phase(StrEnum):
    """How a run stands: it goes on by itself, a person must decide, or the flow is over."""

    RUNNING = "running"
    HALTED = "halted"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Visit:
    """One node in one pass; of a condition the branch that was chosen."""

    state: NodeState
    in_pass: int
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Where a case stands in its graph: its stage (0 before the first), the pass (one more with every rework), its nodes.

    An `ending` run has reached an end: nothing more starts, what runs is finished.
    """

    stage: int = 0
    in_pass: int = 1
    phase: Phase = Phase.RUNNING
    ending: bool = False
    visits: Mapping[str, Visit] = field(default_factory=dict)

    def state(self, key: str) -> NodeState | None:
        """How a node stands; None for one the flow has not come to."""
        visit = self.visits.get(key)
        return None if visit is None else visit.state


@dataclass(frozen=True, slots=True)
class Begun:
    """The case was submitted."""


@dataclass(frozen=True, slots=True)
class Completed:
    """An action was done."""

    node: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An action cannot be completed, or a condition cannot be evaluated."""

    node: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A condition was evaluated: a branch of it holds."""

    node: str
    branch: str


@dataclass(frozen=True, slots=True)
class Continued:
    """A person lets the case go on: conditions that failed are evaluated again, else the next step begins."""


@dataclass(frozen=True, slots=True)
class Reworked:
    """A person sends the case back to the beginning of a step, or to an action in it."""

    stage: int
    node: str = ""


@dataclass(frozen=True, slots=True)
class Freed:
    """The last thing beside the flow (a sub-case, an ad hoc action) has ended."""


@dataclass(frozen=True, slots=True)
class Aborted:
    """The case was ended for good, and everything below it."""


Happening = Begun | Completed | Failed | Chosen | Continued | Reworked | Freed | Aborted


@dataclass(frozen=True, slots=True)
class Start:
    """Start an action."""

    node: str


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Evaluate a condition, and tell the run what it came to."""

    node: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End a running action, because of rework."""

    node: str


@dataclass(frozen=True, slots=True)
class Enter:
    """The case is in another step."""

    stage: int


class Because(StrEnum):
    """Why a person must decide."""

    ACTION_FAILED = "action_failed"
    CONDITION_FAILED = "condition_failed"
    STEP_DONE = "step_done"
    STEP_EMPTY = "step_empty"
    PAUSED = "paused"
    NO_STEP = "no_step"


@dataclass(frozen=True, slots=True)
class Halt:
    """A person must decide: because of a node, or of the step the case is in."""

    because: Because
    node: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """The flow is over: the case ends as soon as nothing else of it is open."""


Effect = Start | Evaluate | Stop | Enter | Halt | Close


def advance(graph: Graph, run: Run, happening: Happening) -> tuple[Run, list[Effect]]:
    """The run after a happening, and what is to be done; raises ValueError for rework from where there is none."""
    match happening:
        case Begun():
            return _begun(graph, run) if run.stage == 0 and run.phase == Phase.RUNNING else (run, [])
        case Completed(node) | Failed(node) | Chosen(node):
            return _settled(graph, run, happening) if run.state(node) == NodeState.RUNNING else (run, [])
        case Continued():
            return _continued(graph, run)
        case Reworked():
            return _reworked(graph, run, happening)
        case Freed():
            return run, [Close()] if run.phase == Phase.OVER else []
        case Aborted():
            return _aborted(run), []


def rework_points(graph: Graph, run: Run) -> list[Reworked]:
    """From where a case may be worked again: the beginning of each step so far, and the actions that were reached in them."""
    points: list[Reworked] = []
    for stage in sorted(graph.by_number):
        nodes = graph.in_stage(stage)
        if 0 < stage <= run.stage and nodes:
            reached = [node for node in nodes if node.kind == NodeKind.ACTION and run.state(node.key) in _REACHED]
            points += [Reworked(stage), *(Reworked(stage, node.key) for node in reached)]
    return points


def is_idle(graph: Graph, run: Run) -> bool:
    """Whether nothing of the flow runs: only a person moves it."""
    return not any(run.state(node.key) == NodeState.RUNNING for node in graph.nodes)


def failed_conditions(graph: Graph, run: Run) -> list[str]:
    """The conditions of the step that could not be evaluated, and will be once more when a person lets the case go on."""
    nodes = [] if run.ending else graph.in_stage(run.stage)
    conditions = [node.key for node in nodes if node.kind == NodeKind.CONDITION]
    return [key for key in conditions if run.state(key) == NodeState.FAILED]


def _begun(graph: Graph, run: Run) -> tuple[Run, list[Effect]]:
    """Begin the first stage; where there is none, all work is launched by hand, and a person ends the case."""
    if not graph.stages:
        return replace(run, phase=Phase.HALTED), [Halt(Because.NO_STEP)]
    return _next_stage(graph, run, by_hand=True)


def _aborted(run: Run) -> Run:
    running = [key for key, visit in run.visits.items() if visit.state == NodeState.RUNNING]
    for key in running:
        run = _with(run, key, NodeState.STOPPED)
    return replace(run, phase=Phase.OVER)


_REACHED = (NodeState.RUNNING, NodeState.DONE, NodeState.FAILED)


def _settled(graph: Graph, run: Run, happening: Completed | Failed | Chosen) -> tuple[Run, list[Effect]]:
    """What a running node came to."""
    if isinstance(happening, Failed):
        is_action = graph.by_key[happening.node].kind == NodeKind.ACTION
        run = replace(_with(run, happening.node, NodeState.FAILED), phase=Phase.HALTED)
        return run, [Halt(Because.ACTION_FAILED if is_action else Because.CONDITION_FAILED, happening.node)]
    branch = happening.branch if isinstance(happening, Chosen) else ""
    return _flow(graph, _with(run, happening.node, NodeState.DONE, branch))


def _continued(graph: Graph, run: Run) -> tuple[Run, list[Effect]]:
    if run.phase == Phase.OVER:
        return run, [Close()]
    again = failed_conditions(graph, run)
    if not again:
        return _next_stage(graph, run, by_hand=True) if is_idle(graph, run) else (run, [])
    for key in again:
        run = _with(run, key, NodeState.RUNNING)
    failed = any(run.state(node.key) == NodeState.FAILED for node in graph.in_stage(run.stage))
    return replace(run, phase=Phase.HALTED if failed else Phase.RUNNING), [Evaluate(key) for key in again]


def _reworked(graph: Graph, run: Run, wish: Reworked) -> tuple[Run, list[Effect]]:
    """Forget what is to be done again, and start it in a new pass."""
    if wish not in rework_points(graph, run):
        raise ValueError(f"no rework from {wish}")
    again = {node.key for node in graph.nodes if node.stage > wish.stage}
    here = graph.in_stage(wish.stage)
    kept: set[str] = set()
    if wish.node:
        interrupted = [node.key for node in here if run.state(node.key) in (NodeState.RUNNING, NodeState.FAILED)]
        below = graph.downstream([wish.node, *interrupted])
        again |= below
        kept = {key for key in below if run.visits.get(key, _NEVER).branch}
    else:
        again |= {node.key for node in here}
    stopped = [node.key for node in graph.ordered if node.key in again and _runs_as_action(run, node)]
    visits = {key: visit for key, visit in run.visits.items() if key not in again}
    visits |= {key: replace(run.visits[key], state=NodeState.KEPT) for key in kept}
    fresh = Run(wish.stage, run.in_pass + 1, Phase.RUNNING, visits=visits)
    after, effects = _flow(graph, fresh)
    return after, [*(Stop(key) for key in stopped), Enter(wish.stage), *effects]


def _runs_as_action(run: Run, node: Node) -> bool:
    return node.kind == NodeKind.ACTION and run.state(node.key) == NodeState.RUNNING


_NEVER = Visit(NodeState.SKIPPED, 0)


def _next_stage(graph: Graph, run: Run, *, by_hand: bool) -> tuple[Run, list[Effect]]:
    """Leave the stage: begin the next one, let the case halt before it, or end the flow."""
    following = None if run.ending else graph.after(run.stage)
    if following is None:
        return replace(run, phase=Phase.OVER), [Close()]
    if not by_hand and graph.by_number[run.stage].by_hand:
        return replace(run, phase=Phase.HALTED), [Halt(Because.STEP_DONE)]
    entered = Enter(following.number)
    run = replace(run, stage=following.number, phase=Phase.RUNNING)
    if not graph.in_stage(following.number):
        because = Because.PAUSED if following.when_empty == WhenEmpty.PAUSE else Because.STEP_EMPTY
        return replace(run, phase=Phase.HALTED), [entered, Halt(because)]
    run, effects = _flow(graph, run)
    return run, [entered, *effects]


def _flow(graph: Graph, run: Run) -> tuple[Run, list[Effect]]:
    """Let all nodes of the stage run that are reached now, and leave the stage when nothing of it is left."""
    run, reached = _reach(graph, run)
    effects: list[Effect] = []
    for node in () if run.ending else reached:
        run = _with(run, node.key, NodeState.RUNNING)
        effects.append(Start(node.key) if node.kind == NodeKind.ACTION else Evaluate(node.key))
    states = [run.state(node.key) for node in graph.in_stage(run.stage)]
    if NodeState.RUNNING in states or NodeState.FAILED in states:
        return run, effects
    after, later = _next_stage(graph, run, by_hand=False)
    return after, effects + later


def _reach(graph: Graph, run: Run) -> tuple[Run, list[Node]]:
    """Settle what settles by itself, those before the ones they lead to; the actions and conditions that are reached."""
    reached: list[Node] = []
    for node in graph.in_stage(run.stage):
        if run.state(node.key) not in (None, NodeState.KEPT):
            continue
        ways = [_taken(run, edge) for edge in graph.into[node.key]]
        if None in ways:
            continue
        if ways and not any(ways):
            run = _with(run, node.key, NodeState.SKIPPED)
        elif run.state(node.key) == NodeState.KEPT:
            run = _with(run, node.key, NodeState.DONE, run.visits[node.key].branch)
        elif node.kind in (NodeKind.ACTION, NodeKind.CONDITION):
            reached.append(node)
        else:
            run = replace(_with(run, node.key, NodeState.DONE), ending=run.ending or node.kind == NodeKind.END)
    return run, reached


def _taken(run: Run, edge: Edge) -> bool | None:
    """Whether the flow went along an edge; None while that is open."""
    visit = run.visits.get(edge.source)
    if visit is None or visit.state not in (NodeState.DONE, NodeState.SKIPPED):
        return None
    return visit.state == NodeState.DONE and visit.branch == edge.branch


def _with(run: Run, key: str, state: NodeState, branch: str = "") -> Run:
    return replace(run, visits={**run.visits, key: Visit(state, run.in_pass, branch)})
