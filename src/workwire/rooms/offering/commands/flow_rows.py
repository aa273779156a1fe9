"""The rows of the flow of a draft, and how they come to hold another flow: what has a known key stays the same row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db.models import Model

from workwire.kernel import text
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.checklists import save_lines
from workwire.rooms.offering.commands.draft_parts import ad_hoc_step, change_work, checked_milestone, drop_if_empty
from workwire.rooms.offering.commands.flow_wishes import ActionWish, FlowWish, StepWish
from workwire.rooms.offering.commands.linear_form import coordinates
from workwire.rooms.offering.commands.process_versions import AD_HOC, Allocation
from workwire.rooms.offering.commands.renumbering import move_away
from workwire.rooms.offering.commands.saving import prose
from workwire.rooms.offering.flow_graphs import Edge, Node, NodeKind
from workwire.rooms.offering.models import ActionDefinition, CaseStep, FlowEdge, FlowNode, ProcessVersion
from workwire.rooms.offering.queries import definitions
from workwire.rooms.offering.version_graphs import branches_written


@dataclass(frozen=True, slots=True)
class _Placed:
    """An action to save, and where."""

    key: str
    wish: ActionWish
    step: CaseStep
    number: int
    branch: int
    position: int


class FlowRows:
    """The rows of the flow of a draft as they were read."""

    def __init__(self, version: ProcessVersion) -> None:
        self.version = version
        self.changes: list[RowChange] = []
        self.steps = list(version.steps.order_by("number"))
        self.nodes = {str(node.key): node for node in version.nodes.order_by("pk")}
        self.edges = list(version.edges.order_by("pk"))
        keys = {node.definition_id: key for key, node in self.nodes.items()}
        found = definitions().filter(step__version=version.pk).prefetch_related("checklist").order_by("pk")
        self.actions = {keys.get(action.pk, str(action.identity)): action for action in found}
        rows: list[Model] = [*self.steps, *self.nodes.values(), *self.actions.values()]
        self.before = {(type(row), row.pk): columns(row) for row in rows}

    def save(self, wish: FlowWish) -> list[RowChange]:
        """Hold the flow that is wished for; returns the changes."""
        self._remove_edges(wish.edges)
        steps = self._save_steps(wish.steps)
        self._remove_nodes(wish.nodes)
        self._save_actions([*_in_steps(wish, steps), *self._ad_hoc(wish)], stay=wish.ad_hoc is None)
        for node in wish.nodes:
            self._save_node(node, steps[node.stage - 1])
        self._add_edges(wish.edges)
        self._remove(step for step in self.steps if step.number > AD_HOC and step not in steps)
        for step in self.steps:
            self.changes += drop_if_empty(step)
        return self.changes

    def _remove_edges(self, wanted: Sequence[Edge]) -> None:
        keys = {node.pk: key for key, node in self.nodes.items()}
        kept = {(edge.source, edge.target, edge.branch) for edge in wanted}
        called = {edge.pk: (keys[edge.source_id], keys[edge.target_id], edge.branch) for edge in self.edges}
        self._remove(edge for edge in self.edges if called[edge.pk] not in kept)
        self.edges = [edge for edge in self.edges if called[edge.pk] in kept]

    def _save_steps(self, wanted: Sequence[StepWish]) -> list[CaseStep]:
        present = {step.identity: step for step in self.steps if step.number > AD_HOC}
        move_away(list(present.values()), "number")
        rows = []
        for number, wish in enumerate(wanted, start=1):
            row = present.get(wish.key) if wish.key is not None else None
            row = row or CaseStep(version=self.version, key=wish.key)
            row.number, row.name, row.automatic = number, text.name(wish.name), wish.automatic
            row.when_empty, row.milestone = wish.when_empty.value, checked_milestone(wish.milestone)
            self._store(row)
            rows.append(row)
        return rows

    def _remove_nodes(self, wanted: Sequence[Node]) -> None:
        """Remove the nodes that are not wanted, or that become an action or none any more, and the edges at these."""
        kinds = {node.key: node.kind == NodeKind.ACTION for node in wanted}
        gone = {key: row for key, row in self.nodes.items() if kinds.get(key) != (row.kind == NodeKind.ACTION)}
        numbers = {row.pk for row in gone.values()}
        loose = [edge for edge in self.edges if numbers & {edge.source_id, edge.target_id}]
        self._remove(loose)
        self._remove(gone.values())
        self.edges = [edge for edge in self.edges if edge not in loose]
        self.nodes = {key: row for key, row in self.nodes.items() if key not in gone}

    def _ad_hoc(self, wish: FlowWish) -> list[_Placed]:
        if not wish.ad_hoc:
            return []
        step, changes = ad_hoc_step(self.version)
        self.changes += changes
        return [_Placed(key, one, step, n, 1, n) for n, (key, one) in enumerate(wish.ad_hoc.items(), start=1)]

    def _save_actions(self, placed: Sequence[_Placed], *, stay: bool) -> None:
        """Save actions and remove the others, but for ad hoc ones that stay."""
        wanted = {one.key for one in placed}
        others = {key: row for key, row in self.actions.items() if key not in wanted}
        gone = [row for row in others.values() if not (stay and row.step.number == AD_HOC)]
        for row in gone:
            self._remove(row.checklist.all())
        self._remove(gone)
        move_away([row for key, row in self.actions.items() if key in wanted], "number", "branch")
        for one in placed:
            self._save_action(one)

    def _save_action(self, placed: _Placed) -> None:
        wish, key = placed.wish, UUID(placed.key)
        row = self.actions.setdefault(placed.key, ActionDefinition(key=key))
        lines = list(row.checklist.all()) if row.pk is not None else []
        versions.check_action_type(self.version, wish.work_type)
        allocation = {field.name: getattr(wish.allocation, field.name) for field in fields(Allocation)}
        change_work(row, {"due": wish.due, "effort_per_record": wish.effort_per_record, **allocation})
        row.key = None if row.guid == key else key
        row.step, row.number, row.branch, row.position = placed.step, placed.number, placed.branch, placed.position
        row.work_type, row.instructions = wish.work_type, prose(wish.instructions)
        row.launchable = wish.launchable or placed.step.number == AD_HOC
        self._store(row)
        if wish.checklist is not None:
            self.changes += save_lines(row, wish.checklist, lines)

    def _save_node(self, node: Node, step: CaseStep) -> None:
        row = self.nodes.setdefault(node.key, FlowNode(version=self.version, key=UUID(node.key)))
        is_action = node.kind == NodeKind.ACTION
        row.step, row.kind, row.name = step, node.kind.value, "" if is_action else text.name(node.name)
        row.definition = self.actions[node.key] if is_action else None
        row.branches = branches_written(node.branches)
        self._store(row)

    def _add_edges(self, wanted: Sequence[Edge]) -> None:
        present = {(edge.source_id, edge.target_id, edge.branch) for edge in self.edges}
        rows = [
            FlowEdge(
                version=self.version, source=self.nodes[one.source], target=self.nodes[one.target], branch=one.branch
            )
            for one in wanted
        ]
        new = [row for row in rows if (row.source_id, row.target_id, row.branch) not in present]
        self.changes += added(*FlowEdge.objects.bulk_create(new))

    def _store(self, row: Model) -> None:
        before = self.before.get((type(row), row.pk))
        row.save()
        self.changes += altered(row, before) if before is not None else added(row)

    def _remove(self, rows: Iterable[Any]) -> None:
        gone = list(rows)
        if gone:
            self.changes += removed(*gone)
            type(gone[0])._base_manager.filter(pk__in=[row.pk for row in gone]).delete()


def _in_steps(wish: FlowWish, steps: Sequence[CaseStep]) -> list[_Placed]:
    """The actions of the nodes, numbered in each step in their order."""
    places, numbers = coordinates(wish.graph), dict.fromkeys(range(1, len(steps) + 1), 0)
    placed = []
    for node in wish.nodes:
        if node.kind == NodeKind.ACTION:
            numbers[node.stage] += 1
            place = (steps[node.stage - 1], numbers[node.stage], *places[node.key])
            placed.append(_Placed(node.key, wish.actions[node.key], *place))
    return placed
