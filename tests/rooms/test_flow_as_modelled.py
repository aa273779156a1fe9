"""Cases of drawn graphs, moved by commands at random: their rows say what the pure run says, after every command."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from tests.support.organisation import Customer
from workwire.kernel.actor import Actor
from workwire.kernel.ids import new_guid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import conditions
from workwire.rooms.offering.flow_graphs import Branch, Edge, Graph, Node, NodeKind, WhenEmpty
from workwire.rooms.offering.models import FieldKind, ProcessType, ProcessVersion, ServiceLine, VersionState, WorkType
from workwire.rooms.work import advancing, commands
from workwire.rooms.work.advancing import Begun, Chosen, Completed, Continued, Evaluate, Failed, Phase, Run
from workwire.rooms.work.models import NodeRun, Status, WorkItem
from workwire.rooms.work.run_rows import stored

A, C, M, E = NodeKind.ACTION, NodeKind.CONDITION, NodeKind.MERGE, NodeKind.END
LARGE, OTHER = Branch("large", "Large", conditions.as_json(conditions.parse("[sum] > 100"))), Branch("other", "Other")


class Drawn:
    """A case with the run that it should have, moved by chance."""

    def __init__(self, version: ProcessVersion, graph: Graph, dice: random.Random, by: Actor) -> None:
        self.graph, self.dice, self.by, self.run, self.sum = graph, dice, by, Run(), 5
        self.case = commands.create_case(version.guid, by=by, title="Drawn", custom_data={"Sum": self.sum})
        commands.submit(self.case, by=by)
        self.tell(Begun())

    def tell(self, happening: advancing.Happening) -> None:
        """Advance the model, conditions included, and compare it with what is stored."""
        ahead = [happening]
        while ahead:
            self.run, effects = advancing.advance(self.graph, self.run, ahead.pop(0))
            branch = "large" if self.sum > 100 else "other"
            ahead += [Chosen(effect.node, branch) for effect in effects if isinstance(effect, Evaluate)]
        self.case = WorkItem.objects.get(pk=self.case.pk)
        found = stored(self.case)
        assert found.run == self.run
        running = {key for key in found.items if self.run.state(key) == advancing.NodeState.RUNNING}
        is_open = WorkItem.objects.filter(parent=self.case).exclude(status=Status.CLOSED)
        assert set(is_open.values_list("pk", flat=True)) == {found.items[key] for key in running}
        assert (self.case.status == Status.CLOSED) == (self.run.phase == Phase.OVER)
        assert (self.case.attention is not None) == (self.run.phase == Phase.HALTED)

    def move(self) -> None:
        """Do one thing that can be done."""
        found = stored(self.case)
        running = [key for key in found.items if self.run.state(key) == advancing.NodeState.RUNNING]
        if not running:
            commands.start_next_step(self.case, by=self.by)
            self.tell(Continued())
            return
        chance, key = self.dice.random(), self.dice.choice(sorted(running))
        item = WorkItem.objects.get(pk=found.items[key])
        points = advancing.rework_points(self.graph, self.run)
        if chance < 0.1:
            self.sum = self.dice.choice([5, 500])
            commands.update(self.case, by=self.by, custom_data={"Sum": self.sum})
        elif chance < 0.2 and points and self.run.in_pass < 4:
            place = self.dice.choice(points)
            commands.rework(self.case, place.stage, node=UUID(place.node) if place.node else None, by=self.by)
            self.tell(place)
        elif chance < 0.3:
            commands.complete_unsuccessfully(item, by=self.by)
            self.tell(Failed(key))
        else:
            commands.resolve(item, by=self.by)
            self.tell(Completed(key))


def _drawn(dice: random.Random) -> tuple[list[offering.StepWish], list[Node], list[Edge]]:
    """Steps, nodes and edges without a flaw that hinders saving or going live."""
    steps, nodes, edges = [], list[Node](), list[Edge]()
    for number in (1, 2):
        empty = dice.choice([WhenEmpty.MANUAL, WhenEmpty.PAUSE])
        steps.append(offering.StepWish(f"Step {number}", automatic=dice.random() < 0.7, when_empty=empty))
        here: list[Node] = []
        for _ in range(dice.randint(0, 6)):
            sources = [node for node in here if node.kind != E]
            branching = [node for node in sources if node.kind == C]
            kind = dice.choice([A, A, C, *([M] if len(sources) > 1 else []), *([E] if branching else [])])
            leading = branching if kind == E else sources
            chosen = dice.sample(leading, 2 if kind == M else min(1, len(leading)))
            node = Node(str(new_guid()), kind, number, kind.value, (LARGE, OTHER) if kind == C else ())
            for source in chosen:
                edges.append(Edge(source.key, node.key, dice.choice(source.branches).key if source.branches else ""))
            here.append(node)
        nodes += here
    return steps, nodes, edges


@pytest.mark.parametrize("seed", range(12))
def test_rows_of_a_case_are_those_of_the_run_after_every_command(
    seed: int, actors: dict[str, Actor], first: Customer
) -> None:
    """work-flow section 2: it ends or waits for something that can happen, and no action starts twice in one pass."""
    dice, admin, line = random.Random(seed), actors["administrator"], ServiceLine.objects.get()  # noqa: S311  # a test's
    offering.create_data_field("Sum", FieldKind.WHOLE_NUMBER, by=admin)
    kind = WorkType.objects.get(name="Check Budget")
    case_type = offering.create_work_type(line, ProcessType.CASE, "Drawn", by=admin)
    version = offering.create_version(offering.create_process(first.service, case_type, by=admin), by=admin)
    steps, nodes, edges = _drawn(dice)
    wish = offering.FlowWish(
        steps, nodes, edges, {one.key: offering.ActionWish(kind) for one in nodes if one.kind == A}
    )
    offering.save_flow(version, wish, by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    drawn = Drawn(version, wish.graph, dice, actors["team member"])
    for _ in range(60):
        if drawn.run.phase == Phase.OVER:
            break
        drawn.move()
    assert drawn.run.phase == Phase.OVER
    started = NodeRun.objects.filter(run__case=drawn.case, item__isnull=False)
    assert started.count() == started.values("node", "in_pass").distinct().count()
