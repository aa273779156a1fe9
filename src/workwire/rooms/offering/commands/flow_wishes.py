"""What a flow is to be: steps, nodes, edges, and the actions of the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from workwire.rooms.commitments.rules import DueRule
from workwire.rooms.offering.commands.checklists import LineWish
from workwire.rooms.offering.commands.process_versions import NOBODY, Allocation
from workwire.rooms.offering.flow_graphs import Edge, Graph, Node, Stage, WhenEmpty
from workwire.rooms.offering.models import WorkType

MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class StepWish:
    """A step to save; they are numbered from 1 in their order. One with the identity of a step that is there stays that
    step."""

    name: str
    automatic: bool = True
    when_empty: WhenEmpty = WhenEmpty.SKIP
    milestone: int | None = None
    key: UUID | None = None


@dataclass(frozen=True, slots=True)
class ActionWish:
    """The action of a node to save; where the checklist is None, it stays as it is."""

    work_type: WorkType
    instructions: str = ""
    due: DueRule | None = None
    allocation: Allocation = NOBODY
    launchable: bool = False
    checklist: Sequence[str | LineWish] | None = ()
    effort_per_record: int | None = None


@dataclass(frozen=True, slots=True)
class FlowWish:
    """A flow to save: steps, nodes with the number of their step as stage, edges, and the actions by the keys of their
    nodes; `ad_hoc` are the actions that are only launched by hand, by key, which stay as they are where it is None."""

    steps: Sequence[StepWish]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    actions: Mapping[str, ActionWish]
    ad_hoc: Mapping[str, ActionWish] | None = None

    @property
    def graph(self) -> Graph:
        """The graph that is wished for; actions are called by their types."""
        nodes = (
            replace(node, name=self.actions[node.key].work_type.name) if node.key in self.actions else node
            for node in self.nodes
        )
        stages = (
            Stage(number, step.name, not step.automatic, step.when_empty, step.milestone)
            for number, step in enumerate(self.steps, start=1)
        )
        return Graph(tuple(stages), tuple(nodes), tuple(self.edges))
