"""What is wrong with the graph of a case version, and what its linear form becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workwire.rooms.offering.flow_graphs import (
    Branch,
    Edge,
    Flaw,
    Graph,
    Node,
    NodeKind,
    Placed,
    Stage,
    WhenEmpty,
    flaws,
    linear,
)

A, C, M, E = NodeKind.ACTION, NodeKind.CONDITION, NodeKind.MERGE, NodeKind.END
BIG, OTHER = Branch("big", "Big", {"amount": 1}), Branch("other", "Otherwise")
SOUND = Graph(
    (Stage(1), Stage(2)),
    (
        Node("a", A, 1),
        Node("c", C, 1, branches=(BIG, OTHER)),
        Node("b", A, 1),
        Node("m", M, 1),
        Node("e", E, 1),
        Node("z", A, 2),
    ),
    (Edge("a", "c"), Edge("c", "b", "big"), Edge("c", "m", "big"), Edge("b", "m"), Edge("c", "e", "other")),
)


def codes(graph: Graph) -> list[tuple[str, str]]:
    return [(flaw.code, flaw.node) for flaw in flaws(graph)]


def plus(*edges: Edge, nodes: tuple[Node, ...] = ()) -> Graph:
    return replace(SOUND, edges=SOUND.edges + edges, nodes=SOUND.nodes + nodes)


def with_branches(*branches: Branch) -> Graph:
    nodes = tuple(replace(node, branches=branches) if node.key == "c" else node for node in SOUND.nodes)
    named = {branch.key for branch in branches} | {""}
    return replace(SOUND, nodes=nodes, edges=tuple(edge for edge in SOUND.edges if edge.branch in named))


def test_a_sound_graph_has_no_flaw() -> None:
    assert flaws(SOUND) == []


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (replace(SOUND, stages=(*SOUND.stages, Stage(2))), ("flow_stage_twice", "")),
        (plus(nodes=(Node("a", A, 2),)), ("flow_node_twice", "a")),
        (plus(nodes=(Node("x", A, 9),)), ("flow_stage_unknown", "x")),
        (plus(Edge("b", "gone")), ("flow_edge_unknown", "gone")),
        (plus(Edge("b", "z")), ("flow_edge_across_steps", "b")),
        (plus(Edge("a", "c")), ("flow_edge_twice", "a")),
        (plus(Edge("a", "b")), ("flow_join_without_merge", "b")),
        (plus(nodes=(Node("n", M, 1),)), ("flow_merge_of_one", "n")),
        (plus(Edge("e", "m")), ("flow_end_not_last", "e")),
        (plus(Edge("c", "m")), ("flow_edge_of_no_branch", "c")),
        (plus(Edge("a", "m", "big")), ("flow_edge_of_no_branch", "a")),
        (plus(nodes=(Node("x", A, 1, branches=(OTHER,)),)), ("flow_branches_without_condition", "x")),
        (with_branches(BIG), ("flow_otherwise_missing", "c")),
        (with_branches(OTHER, BIG), ("flow_otherwise_not_last", "c")),
        (with_branches(BIG, OTHER, Branch("third", "Third")), ("flow_otherwise_not_last", "c")),
        (with_branches(OTHER), ("flow_condition_without_branch", "c")),
        (with_branches(BIG, replace(OTHER, name="BIG")), ("flow_branch_twice", "c")),
        (plus(Edge("m", "n"), Edge("n", "m"), nodes=(Node("n", A, 1),)), ("flow_cycle", "m")),
        (plus(nodes=(Node("e2", E, 1),)), ("flow_unreachable", "z")),
    ],
)
def test_a_flaw_is_found_where_it_is(graph: Graph, expected: tuple[str, str]) -> None:
    """Builder EC-1, MG-2 and CN-3 among them."""
    assert expected in codes(graph)


def test_conditions_are_judged_by_who_knows_them() -> None:
    found = flaws(SOUND, is_valid=lambda _node, tree: "amount" not in tree)
    assert found == [Flaw("flow_condition_invalid", "c", 1)]


def test_the_linear_form_becomes_branches_beside_each_other() -> None:
    placed = [Placed("b", 1, 1, 2), Placed("a", 1, 1, 1), Placed("c", 1, 2, 1), Placed("d", 2, 1, 1)]
    graph = linear([Stage(1), Stage(2)], placed)
    assert [node.key for node in graph.nodes] == ["a", "b", "c", "d"]
    assert graph.edges == (Edge("a", "b"),)
    assert flaws(graph) == []


def test_steps_that_are_passed_over_do_not_follow() -> None:
    stages = (Stage(1), Stage(2), Stage(3, when_empty=WhenEmpty.PAUSE), Stage(4))
    graph = Graph(stages, (Node("a", A, 1), Node("d", A, 4)))
    assert graph.after(1) == stages[2]
    assert graph.after(3) == stages[3]
    assert graph.after(4) is None
