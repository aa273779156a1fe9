"""The flow of a case version as a graph: stages in order, in each nodes joined by edges. Pure: no tables.

A *stage* is a step of the case. A *node* is an action, a condition with named branches, a merge or an end. A node without an
edge into it starts with its stage; several edges out of a node run beside each other; only a merge has several edges into
it. A node's `key` is its identity in all versions of a process.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from workwire.rooms.offering.findings import SEVERITIES, Severity


class NodeKind(StrEnum):
    """What a node does when the flow reaches it."""

    ACTION = "action"
    CONDITION = "condition"
    MERGE = "merge"
    END = "end"


class WhenEmpty(StrEnum):
    """What happens at a step that has nothing to do: it is passed over, started by hand, or the case pauses."""

    SKIP = "skip"
    MANUAL = "manual"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Stage:
    """A step. After one that is `by_hand` the owner lets the case go on; `milestone` is how much of the case is done with it,
    in per cent."""

    number: int
    name: str = ""
    by_hand: bool = False
    when_empty: WhenEmpty = WhenEmpty.SKIP
    milestone: int | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A way out of a condition; the one without a condition is the *otherwise*."""

    key: str
    name: str = ""
    condition: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a stage; a condition has branches, tried in their order."""

    key: str
    kind: NodeKind
    stage: int
    name: str = ""
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to what follows it; out of a condition it belongs to a branch."""

    source: str
    target: str
    branch: str = ""


@dataclass(frozen=True)
class Graph:
    """Stages, nodes and edges; `flaws` says what is wrong with one."""

    stages: tuple[Stage, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, Node]:
        """The nodes by key."""
        return {node.key: node for node in self.nodes}

    @cached_property
    def by_number(self) -> Mapping[int, Stage]:
        """The stages by number."""
        return {stage.number: stage for stage in self.stages}

    @cached_property
    def into(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges into each node."""
        return {node.key: tuple(edge for edge in self.edges if edge.target == node.key) for node in self.nodes}

    @cached_property
    def out_of(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges out of each node."""
        return {node.key: tuple(edge for edge in self.edges if edge.source == node.key) for node in self.nodes}

    @cached_property
    def ordered(self) -> tuple[Node, ...]:
        """The nodes by stage, in each stage those before the ones they lead to; nodes of a cycle are left out."""
        done: dict[str, Node] = {}
        rest = sorted(self.nodes, key=lambda node: node.stage)
        while ready := [node for node in rest if all(edge.source in done for edge in self.into[node.key])]:
            done |= {node.key: node for node in ready}
            rest = [node for node in rest if node.key not in done]
        return tuple(sorted(done.values(), key=lambda node: node.stage))

    def in_stage(self, number: int) -> list[Node]:
        """The nodes of a stage, those before the ones they lead to."""
        return [node for node in self.ordered if node.stage == number]

    def after(self, number: int) -> Stage | None:
        """The stage after a number, without those that are passed over because they are empty."""
        later = (stage for stage in sorted(self.stages, key=lambda stage: stage.number) if stage.number > number)
        return next((one for one in later if one.when_empty != WhenEmpty.SKIP or self.in_stage(one.number)), None)

    def downstream(self, keys: Iterable[str]) -> set[str]:
        """The nodes named and all they lead to."""
        found: set[str] = set()
        ahead = list(keys)
        while ahead:
            key = ahead.pop()
            if key not in found:
                found.add(key)
                ahead += [edge.target for edge in self.out_of.get(key, ())]
        return found


@dataclass(frozen=True, slots=True)
class Placed:
    """An action of the linear form: in a branch of a stage, at a position."""

    key: str
    stage: int
    branch: int
    position: int


def linear(stages: Iterable[Stage], actions: Iterable[Placed]) -> Graph:
    """The graph of the linear form: branches beside each other, in a branch one action after the other."""
    ordered = sorted(actions, key=lambda one: (one.stage, one.branch, one.position))
    pairs = itertools.pairwise(ordered)
    edges = [Edge(one.key, two.key) for one, two in pairs if (one.stage, one.branch) == (two.stage, two.branch)]
    nodes = [Node(one.key, NodeKind.ACTION, one.stage) for one in ordered]
    return Graph(tuple(stages), tuple(nodes), tuple(edges))


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a graph: a code, where (the key of a node, else the number of a stage), what it is called there."""

    code: str
    node: str = ""
    stage: int | None = None
    name: str = ""

    @property
    def severity(self) -> Severity:
        """What the flaw forbids."""
        return SEVERITIES[self.code]

    @property
    def place(self) -> str:
        """Where the flaw is, as a path joined by slashes."""
        parts = [] if self.stage is None else ["steps", str(self.stage)]
        return "/".join([*parts, "nodes", self.node] if self.node else parts)


def place_of(node: Node) -> str:
    """Where a node is, as a path joined by slashes."""
    return f"steps/{node.stage}/nodes/{node.key}"


CheckCondition = Callable[[Node, Mapping[str, Any]], bool]


def flaws(graph: Graph, is_valid: CheckCondition = lambda _node, _tree: True) -> list[Flaw]:
    """What is wrong with a graph, stage by stage; `is_valid` judges the condition of a branch of a node."""
    found = _broken(graph)
    if found:
        return found
    for node in graph.nodes:
        found += _at_node(graph, node, is_valid)
    return found + _in_a_cycle(graph) + _never_reached(graph)


def _broken(graph: Graph) -> list[Flaw]:
    """What makes it impossible to look further: keys twice, stages and nodes that are not there."""
    found = [Flaw("flow_stage_twice", stage=number) for number in _twice(stage.number for stage in graph.stages)]
    found += [Flaw("flow_node_twice", node=key) for key in _twice(node.key for node in graph.nodes)]
    for node in graph.nodes:
        if node.stage not in graph.by_number:
            found.append(Flaw("flow_stage_unknown", node.key, node.stage, node.name))
    for edge in graph.edges:
        unknown = {edge.source, edge.target} - graph.by_key.keys()
        found += [Flaw("flow_edge_unknown", node=key) for key in sorted(unknown)]
    return found


def _at_node(graph: Graph, node: Node, is_valid: CheckCondition) -> list[Flaw]:
    into, out_of = graph.into[node.key], graph.out_of[node.key]
    found: list[str] = []
    if any(graph.by_key[edge.target].stage != node.stage for edge in out_of):
        found.append("flow_edge_across_steps")
    if len({(edge.target, edge.branch) for edge in out_of}) < len(out_of):
        found.append("flow_edge_twice")
    if node.kind != NodeKind.MERGE and len(into) > 1:
        found.append("flow_join_without_merge")
    if node.kind == NodeKind.MERGE and len(into) < 2:
        found.append("flow_merge_of_one")
    if node.kind == NodeKind.END and out_of:
        found.append("flow_end_not_last")
    if {edge.branch for edge in out_of} - ({branch.key for branch in node.branches} or {""}):
        found.append("flow_edge_of_no_branch")
    if node.kind == NodeKind.CONDITION:
        found += _at_condition(node, is_valid)
    elif node.branches:
        found.append("flow_branches_without_condition")
    return [Flaw(code, node.key, node.stage, node.name) for code in found]


def _at_condition(node: Node, is_valid: CheckCondition) -> list[str]:
    found: list[str] = []
    tried = [branch.condition for branch in node.branches if branch.condition is not None]
    if len(node.branches) == len(tried):
        found.append("flow_otherwise_missing")
    elif len(node.branches) > len(tried) + 1 or node.branches[-1].condition is not None:
        found.append("flow_otherwise_not_last")
    if not tried:
        found.append("flow_condition_without_branch")
    names = [branch.name.casefold() for branch in node.branches]
    if _twice(branch.key for branch in node.branches) or _twice(names):
        found.append("flow_branch_twice")
    if not all(is_valid(node, tree) for tree in tried):
        found.append("flow_condition_invalid")
    return found


def _in_a_cycle(graph: Graph) -> list[Flaw]:
    """The nodes that lead back to themselves, or that only such ones lead to: nothing ever starts them."""
    ordered = {node.key for node in graph.ordered}
    return [Flaw("flow_cycle", node.key, node.stage, node.name) for node in graph.nodes if node.key not in ordered]


def _never_reached(graph: Graph) -> list[Flaw]:
    """The nodes of steps after one that always ends the case."""
    ends = [node for node in graph.nodes if node.kind == NodeKind.END and not _is_conditional(graph, node)]
    first = min((node.stage for node in ends), default=None)
    return [
        Flaw("flow_unreachable", node.key, node.stage, node.name)
        for node in graph.nodes
        if first is not None and node.stage > first
    ]


def _is_conditional(graph: Graph, node: Node) -> bool:
    """Whether a condition decides if a node is reached."""
    above, seen = [node.key], set[str]()
    while above:
        key = above.pop()
        if key not in seen:
            seen.add(key)
            above += [edge.source for edge in graph.into[key]]
    return any(graph.by_key[key].kind == NodeKind.CONDITION for key in seen)


def _twice(values: Iterable[Any]) -> list[Any]:
    """The values that come more than once."""
    return [value for value, times in Counter(values).items() if times > 1]
