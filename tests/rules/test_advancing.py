"""How a case advances through its graph: examples written by hand, and what holds for every graph and every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.rooms.offering.flow_graphs import (
    Branch,
    Edge,
    Graph,
    Node,
    NodeKind,
    Placed,
    Stage,
    WhenEmpty,
    flaws,
    linear,
)
from workwire.rooms.work.advancing import (
    Because,
    Begun,
    Chosen,
    Close,
    Completed,
    Continued,
    Effect,
    Enter,
    Evaluate,
    Failed,
    Freed,
    Halt,
    Happening,
    NodeState,
    Phase,
    Reworked,
    Run,
    Start,
    Stop,
    advance,
    is_idle,
    rework_points,
)

A, C, M, E = NodeKind.ACTION, NodeKind.CONDITION, NodeKind.MERGE, NodeKind.END
YES, NO = Branch("yes", "Yes", {"holds": True}), Branch("no", "No")


def graph_of(nodes: dict[str, NodeKind], *edges: str, stages: tuple[Stage, ...] = (Stage(1),)) -> Graph:
    """A graph in which a node `2b` is in stage 2, `b` in stage 1; an edge is `a>b`, out of a branch `a.yes>b`."""
    made = [
        Node(key, kind, int(key[0]) if key[0].isdigit() else 1, branches=(YES, NO) if kind == C else ())
        for key, kind in nodes.items()
    ]
    joined = [edge.replace(">", ".").split(".") for edge in edges]
    return Graph(stages, tuple(made), tuple(Edge(one[0], one[-1], one[1] if len(one) == 3 else "") for one in joined))


def told(graph: Graph, *happenings: Happening) -> tuple[Run, list[Effect]]:
    """The run after several happenings, and the effects of the last one."""
    run, effects = Run(), list[Effect]()
    for happening in happenings:
        run, effects = advance(graph, run, happening)
    return run, effects


def done(*names: str) -> list[Happening]:
    return [Completed(name) for name in names]


def test_a_branch_is_a_sequence_and_branches_run_beside_each_other() -> None:
    graph = linear([Stage(1), Stage(2)], [Placed("a", 1, 1, 1), Placed("b", 1, 1, 2), Placed("c", 1, 2, 1)])
    graph = Graph(graph.stages, (*graph.nodes, Node("d", A, 2)), graph.edges)
    assert told(graph, Begun())[1] == [Enter(1), Start("a"), Start("c")]
    assert told(graph, Begun(), *done("a"))[1] == [Start("b")]
    assert told(graph, Begun(), *done("a", "b"))[1] == []
    assert told(graph, Begun(), *done("a", "b", "c"))[1] == [Enter(2), Start("d")]
    assert told(graph, Begun(), *done("a", "b", "c", "d"))[1] == [Close()]


def test_a_merge_waits_for_all_parallel_branches() -> None:
    """Builder MG-2, first half."""
    graph = graph_of({"a": A, "b": A, "m": M, "c": A}, "a>m", "b>m", "m>c")
    assert told(graph, Begun(), *done("a"))[1] == []
    assert told(graph, Begun(), *done("a", "b"))[1] == [Start("c")]


def test_a_merge_waits_for_the_branch_taken_of_a_condition() -> None:
    """Builder MG-2, second half; also where the branch not taken is a longer one."""
    graph = graph_of(
        {"c": C, "a": A, "b": A, "b2": A, "m": M, "z": A}, "c.yes>a", "c.no>b", "b>b2", "a>m", "b2>m", "m>z"
    )
    assert told(graph, Begun())[1] == [Enter(1), Evaluate("c")]
    run, effects = told(graph, Begun(), Chosen("c", "yes"))
    assert effects == [Start("a")]
    assert run.state("b2") == NodeState.SKIPPED
    assert told(graph, Begun(), Chosen("c", "yes"), *done("a"))[1] == [Start("z")]


def test_an_end_starts_nothing_more_and_lets_be_finished_what_runs() -> None:
    """Builder EC-2; work-flow section 2: actions running in other branches are finished first."""
    stages = (Stage(1), Stage(2))
    graph = graph_of({"a": A, "b": A, "e": E, "f": A, "2x": A}, "a>e", "b>f", stages=stages)
    run, effects = told(graph, Begun(), *done("a"))
    assert (effects, run.ending, run.phase) == ([], True, Phase.RUNNING)
    run, effects = told(graph, Begun(), *done("a", "b"))
    assert (effects, run.phase) == ([Close()], Phase.OVER)
    assert run.state("f") is run.state("2x") is None


def test_a_branch_that_leads_nowhere_goes_on_with_the_next_step() -> None:
    graph = graph_of({"c": C, "e": E, "2x": A}, "c.yes>e", stages=(Stage(1), Stage(2)))
    assert told(graph, Begun(), Chosen("c", "no"))[1] == [Enter(2), Start("2x")]
    assert told(graph, Begun(), Chosen("c", "yes"))[1] == [Close()]


@pytest.mark.parametrize(
    ("when_empty", "effects"),
    [
        (WhenEmpty.SKIP, [Enter(3), Start("3c")]),
        (WhenEmpty.MANUAL, [Enter(2), Halt(Because.STEP_EMPTY)]),
        (WhenEmpty.PAUSE, [Enter(2), Halt(Because.PAUSED)]),
    ],
)
def test_an_empty_step_is_passed_over_or_holds_the_case(when_empty: WhenEmpty, effects: list[Effect]) -> None:
    graph = graph_of({"1a": A, "3c": A}, stages=(Stage(1), Stage(2, when_empty=when_empty), Stage(3)))
    run, found = told(graph, Begun(), *done("1a"))
    assert found == effects
    if run.phase == Phase.HALTED:
        assert advance(graph, run, Continued())[1] == [Enter(3), Start("3c")]


def test_a_case_without_steps_goes_on_by_hand() -> None:
    run, effects = told(Graph(), Begun())
    assert (effects, run.phase) == ([Halt(Because.NO_STEP)], Phase.HALTED)
    assert advance(Graph(), run, Freed()) == (run, [])
    assert advance(Graph(), run, Continued())[1] == [Close()]


def test_after_a_step_by_hand_a_person_lets_the_case_go_on() -> None:
    graph = graph_of({"1a": A, "2b": A}, stages=(Stage(1, by_hand=True), Stage(2, by_hand=True)))
    assert told(graph, Begun(), *done("1a"))[1] == [Halt(Because.STEP_DONE)]
    assert told(graph, Begun(), *done("1a"), Continued())[1] == [Enter(2), Start("2b")]
    assert told(graph, Begun(), *done("1a"), Continued(), *done("2b"))[1] == [Close()]


def test_what_fails_halts_the_case_while_other_branches_go_on() -> None:
    graph = graph_of({"a": A, "a2": A, "b": A, "2x": A}, "a>a2", stages=(Stage(1), Stage(2)))
    run, effects = told(graph, Begun(), Failed("a"))
    assert (effects, run.phase) == ([Halt(Because.ACTION_FAILED, "a")], Phase.HALTED)
    assert advance(graph, run, Continued()) == (run, [])  # the other branch still runs
    assert told(graph, Begun(), Failed("a"), *done("b"))[1] == []
    assert told(graph, Begun(), Failed("a"), *done("b"), Continued())[1] == [Enter(2), Start("2x")]


def test_a_condition_that_failed_is_evaluated_again_when_the_case_goes_on() -> None:
    graph = graph_of({"c": C, "a": A, "b": A}, "c.yes>a")
    run, effects = told(graph, Begun(), Failed("c"))
    assert effects == [Halt(Because.CONDITION_FAILED, "c")]
    assert told(graph, Begun(), Failed("c"), Continued())[1] == [Evaluate("c")]
    assert told(graph, Begun(), Failed("c"), Continued(), Chosen("c", "yes"))[1] == [Start("a")]
    assert not is_idle(graph, run)  # the other branch runs all the while


def test_rework_from_the_beginning_of_a_step_evaluates_again_and_from_an_action_does_not() -> None:
    """Work-manager REW-2 and REW-4."""
    stages = (Stage(1), Stage(2))
    graph = graph_of({"c": C, "a": A, "b": A, "d": C, "e": A, "2x": A}, "c.yes>a", "a>d", "d.yes>e", stages=stages)
    so_far = [Begun(), Chosen("c", "yes"), *done("b", "a"), Chosen("d", "yes"), *done("e")]
    run, effects = told(graph, *so_far)
    assert effects == [Enter(2), Start("2x")]
    after, effects = advance(graph, run, Reworked(1))
    assert effects == [Stop("2x"), Enter(1), Evaluate("c"), Start("b")]
    after, effects = advance(graph, run, Reworked(1, "a"))
    assert effects == [Stop("2x"), Enter(1), Start("a")]
    assert (after.state("b"), after.state("d"), after.in_pass) == (NodeState.DONE, NodeState.KEPT, 2)
    assert advance(graph, after, Completed("a"))[1] == [Start("e")]


def test_rework_within_a_step_starts_also_what_it_interrupts() -> None:
    """Work-manager REW-4: all running actions close, copies are to do."""
    graph = graph_of({"a": A, "a2": A, "b": A}, "a>a2")
    run, _ = told(graph, Begun(), *done("a"))
    assert advance(graph, run, Reworked(1, "a"))[1] == [Stop("b"), Stop("a2"), Enter(1), Start("a"), Start("b")]


def test_there_is_rework_only_from_what_was_reached() -> None:
    """Work-manager REW-3; builder EC-3: never from an end."""
    graph = graph_of({"a": A, "a2": A, "e": E, "2x": A}, "a>a2", "a2>e", stages=(Stage(1), Stage(2)))
    run, _ = told(graph, Begun())
    assert rework_points(graph, run) == [Reworked(1), Reworked(1, "a")]
    for wish in (Reworked(1, "a2"), Reworked(1, "e"), Reworked(2), Reworked(2, "2x")):
        with pytest.raises(ValueError, match="no rework"):
            advance(graph, run, wish)


def test_what_comes_late_changes_nothing() -> None:
    graph = graph_of({"a": A, "b": A})
    run, _ = told(graph, Begun(), *done("a"))
    for late in (Begun(), Completed("a"), Failed("a"), Completed("none"), Freed()):
        assert advance(graph, run, late) == (run, [])


def by_key(node: Node) -> str:
    return node.key


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph without a flaw that hinders saving: up to three steps, in each up to seven nodes."""
    stages, nodes, edges = [], list[Node](), list[Edge]()
    for number in range(1, draw(st.integers(1, 3)) + 1):
        stages.append(Stage(number, by_hand=draw(st.booleans()), when_empty=draw(st.sampled_from(WhenEmpty))))
        here: list[Node] = []
        for place in range(draw(st.integers(0, 7))):
            kind = draw(st.sampled_from([A, A, C, M, E]))
            sources = [node for node in here if node.kind != E]
            most = len(sources) if kind == M else min(1, len(sources))
            chosen = draw(st.lists(st.sampled_from(sources), max_size=most, unique_by=by_key)) if most else []
            node = Node(f"{number}.{place}", kind, number, branches=(YES, NO) if kind == C else ())
            for source in chosen:
                branch = draw(st.sampled_from(source.branches)).key if source.branches else ""
                edges.append(Edge(source.key, node.key, branch))
            here.append(node)
        nodes += here
    return Graph(tuple(stages), tuple(nodes), tuple(edges))


@dataclass
class Played:
    """A run that is played with drawn happenings, and what is checked at each of them."""

    graph: Graph
    run: Run = field(default_factory=Run)
    happenings: list[Happening] = field(default_factory=list)
    started: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False

    def tell(self, happening: Happening) -> None:
        """Advance, and check what holds after every happening."""
        before = self.run
        self.run, effects = advance(self.graph, before, happening)
        self.happenings.append(happening)
        for effect in effects:
            if isinstance(effect, Start | Evaluate):
                self._check_start(effect)
            elif isinstance(effect, Stop):
                assert before.state(effect.node) == NodeState.RUNNING
            elif isinstance(effect, Close):
                self.closed = True
        assert self.closed == (self.run.phase == Phase.OVER) or isinstance(happening, Reworked)
        self.closed = self.run.phase == Phase.OVER
        assert self.closed or list(self.possible()), "waits for nothing that can happen"

    def _check_start(self, effect: Start | Evaluate) -> None:
        visit = self.run.visits[effect.node]
        if isinstance(effect, Start):
            assert (effect.node, visit.in_pass) not in self.started, "an action twice in one pass"
            self.started.append((effect.node, visit.in_pass))
        into = self.graph.into[effect.node]
        assert not into or any(self.is_taken(edge) for edge in into)
        assert self.graph.by_key[effect.node].stage == self.run.stage or self.run.visits[effect.node].in_pass == 1

    def is_taken(self, edge: Edge) -> bool:
        """Whether the flow went along an edge."""
        source = self.run.visits.get(edge.source)
        return source is not None and source.state == NodeState.DONE and source.branch == edge.branch

    def possible(self) -> Iterator[Happening]:
        """What can happen next: a running node comes to something, or a person lets a case that halted go on."""
        for node in self.graph.nodes:
            if self.run.state(node.key) == NodeState.RUNNING:
                yield Failed(node.key)
                if node.kind == C:
                    yield from (Chosen(node.key, branch.key) for branch in node.branches)
                else:
                    yield Completed(node.key)
        if self.run.phase == Phase.HALTED and is_idle(self.graph, self.run):
            yield Continued()


def play(data: st.DataObject, *, with_trouble: bool) -> Played:
    """A whole run through a drawn graph."""
    played = Played(data.draw(graphs()))
    played.tell(Begun())
    for _ in range(200):
        if played.closed:
            return played
        possible = list(played.possible())
        if not with_trouble:
            possible = [one for one in possible if not isinstance(one, Failed)]
        elif len(played.happenings) < 30:
            possible += rework_points(played.graph, played.run)
        else:
            possible = [one for one in possible if not isinstance(one, Failed)] or possible
        played.tell(data.draw(st.sampled_from(possible)))
    raise AssertionError("the run does not end")


@given(st.data())
def test_every_run_ends_or_waits_for_what_can_happen_and_starts_nothing_twice(data: st.DataObject) -> None:
    played = play(data, with_trouble=True)
    assert advance(played.graph, played.run, Freed())[1] == [Close()]
    assert is_idle(played.graph, played.run)


@given(st.data())
def test_the_same_happenings_lead_to_the_same_run(data: st.DataObject) -> None:
    played = play(data, with_trouble=True)
    again = Run()
    for happening in played.happenings:
        again, _ = advance(played.graph, again, happening)
    assert again == played.run


@given(st.data())
def test_a_run_does_exactly_what_lies_along_the_branches_chosen(data: st.DataObject) -> None:
    """Told apart from `advance` by a walk along the edges taken: without an end every node so reached was done, no other."""
    played = play(data, with_trouble=False)
    if played.run.ending:
        return
    reached: set[str] = set()
    for node in played.graph.ordered:
        into = played.graph.into[node.key]
        if not into or any(edge.source in reached and _chosen(played, edge) for edge in into):
            reached.add(node.key)
    assert {key for key, visit in played.run.visits.items() if visit.state == NodeState.DONE} == reached


@given(st.data())
def test_nothing_starts_before_all_that_leads_to_it_is_settled(data: st.DataObject) -> None:
    """Merges included: what follows one starts after the last branch that is taken into it."""
    played = play(data, with_trouble=False)
    told_of = [one.node for one in played.happenings if isinstance(one, Completed | Chosen)]
    moments = {key: moment for moment, key in enumerate(told_of)}
    run, since = Run(), dict[str, int]()
    for moment, happening in enumerate(played.happenings):
        run, effects = advance(played.graph, run, happening)
        since |= {effect.node: moment for effect in effects if isinstance(effect, Start | Evaluate)}
    for key, moment in since.items():
        for source in _sources(played.graph, key):
            if run.state(source) == NodeState.DONE:
                assert moments[source] <= moment


@given(graphs())
def test_the_drawn_graphs_may_be_saved(graph: Graph) -> None:
    assert [flaw for flaw in flaws(graph) if flaw.severity == "must"] == []


def _chosen(played: Played, edge: Edge) -> bool:
    return not edge.branch or played.run.visits[edge.source].branch == edge.branch


def _sources(graph: Graph, key: str) -> Iterator[str]:
    """The actions and conditions right before a node, looked for through merges."""
    for edge in graph.into[key]:
        if graph.by_key[edge.source].kind == M:
            yield from _sources(graph, edge.source)
        else:
            yield edge.source
