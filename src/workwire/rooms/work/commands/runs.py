"""The run of a case under change: advanced by happenings, and written as rows.

An action that the flow comes to while its case waits is held: its row is there, without the item, until the case goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Model

from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.rooms.offering.flow_graphs import Graph, NodeKind
from workwire.rooms.work import advancing, branch_choice, run_rows
from workwire.rooms.work.advancing import Chosen, Effect, Evaluate, Failed, Happening, NodeState, Stop, Visit
from workwire.rooms.work.branch_choice import Choice
from workwire.rooms.work.commands.changing import Change
from workwire.rooms.work.models import ConditionEvaluation, FlowRun, NodeRun, Status, WorkItem


class CaseRun:
    """The run of one locked case in one command, `is_new` when it begins with it. `stopped` are the actions that rework ended,
    by number."""

    def __init__(self, case: WorkItem, at: datetime, *, is_new: bool = False) -> None:
        self.case, self.at, self.is_new = case, at, is_new
        stored = run_rows.begun(case) if is_new else run_rows.stored(case)
        self.version, self.run, self._row, self._items = stored.version, stored.run, stored.row, stored.items
        self._adopted = stored.items if stored.row is None else {}
        self._nodes = dict(stored.nodes)
        self._choices: dict[str, Choice] = {}
        self.stopped: list[int] = []

    @property
    def graph(self) -> Graph:
        """The graph of the case's version."""
        return self.version.graph

    def node_of(self, action: WorkItem) -> str | None:
        """The key of the node an action of the case is the run of; None for what was launched by hand."""
        return None if action.ad_hoc else self.version.key_of(action.definition_id)

    def tell(self, happening: Happening, because_of: Change) -> list[Effect]:
        """Advance by a happening, and by what the conditions come to that it leads to; returns what is left to be done.
        `because_of` is the change of an item that brought it about, which conditions see."""
        ahead: list[Happening] = [happening]
        effects: list[Effect] = []
        while ahead:
            self.run, found = advancing.advance(self.graph, self.run, ahead.pop(0))
            ahead += [self._evaluate(effect.node, because_of) for effect in found if isinstance(effect, Evaluate)]
            effects += [effect for effect in found if not isinstance(effect, Evaluate)]
        stopped = [effect.node for effect in effects if isinstance(effect, Stop)]
        self.stopped += [self._items[node] for node in stopped if node in self._items]
        return effects

    def write(self) -> list[RowChange]:
        """Write where the case stands now, but for actions that are yet to be started; returns what changed."""
        changes = self._write_run()
        for key, row in list(self._nodes.items()):
            visit = self.run.visits.get(key)
            if visit is None or visit.in_pass != row.in_pass:
                changes += self._replace(self._nodes.pop(key))
            elif (visit.state, visit.branch) != (row.state, row.branch):
                settled = None if visit.state == NodeState.RUNNING else row.settled_at or self.at
                changes += _alter(row, state=visit.state, branch=visit.branch, settled_at=settled)
        made = {
            key: self._row_of(key, visit, self._adopted.get(key) if visit.in_pass == 1 else None)
            for key, visit in self.run.visits.items()
            if key not in self._nodes and (self._waits() or not self._is_to_start(key, visit))
        }
        NodeRun.objects.bulk_create(made.values())
        self._nodes |= made
        return changes + added(*made.values()) + self._write_evaluations()

    def held(self) -> list[str]:
        """The nodes of actions that were not started because the case waited, in the order of the graph."""
        found = {key for key, row in self._nodes.items() if row.state == NodeState.RUNNING and row.item_id is None}
        return [node.key for node in self.graph.ordered if node.key in found and node.kind == NodeKind.ACTION]

    def _waits(self) -> bool:
        return self.case.status == Status.WAITING

    def started(self, actions: Mapping[str, WorkItem]) -> dict[str, RowChange]:
        """Write that actions of the flow were started; returns what changed, by their nodes."""
        held = {
            key: _alter(self._nodes[key], item_id=action.pk)[0] for key, action in actions.items() if key in self._nodes
        }
        rows = {
            key: self._row_of(key, self.run.visits[key], action.pk)
            for key, action in actions.items()
            if key not in held
        }
        NodeRun.objects.bulk_create(rows.values())
        self._nodes |= rows
        return held | {key: added(row)[0] for key, row in rows.items()}

    def _replace(self, row: NodeRun) -> list[RowChange]:
        """Note that rework does a node again; what ran until then was stopped."""
        if row.state == NodeState.RUNNING:
            return _alter(row, state=NodeState.STOPPED, settled_at=self.at, replaced_at=self.at)
        return _alter(row, replaced_at=self.at)

    def _is_to_start(self, key: str, visit: Visit) -> bool:
        runs = visit.state == NodeState.RUNNING and self.graph.by_key[key].kind == NodeKind.ACTION
        return runs and (visit.in_pass > 1 or key not in self._adopted)

    def _evaluate(self, key: str, because_of: Change) -> Happening:
        because_of.flush()
        choice = branch_choice.choose(self.graph.by_key[key].branches, self.case, self.at)
        self._choices[key] = choice
        return Failed(key) if choice.branch is None else Chosen(key, choice.branch)

    def _write_run(self) -> list[RowChange]:
        run = self.run
        values = {"stage": run.stage, "in_pass": run.in_pass, "phase": run.phase, "ending": run.ending}
        if self._row is not None:
            return _alter(self._row, **values)
        self._row = FlowRun.objects.create(case=self.case, **values)
        return added(self._row)

    def _row_of(self, key: str, visit: Visit, item_id: int | None) -> NodeRun:
        return NodeRun(
            run=self._row,
            node=key,
            in_pass=visit.in_pass,
            state=visit.state,
            branch=visit.branch,
            item_id=item_id,
            reached_at=self.at,
            settled_at=None if visit.state == NodeState.RUNNING else self.at,
        )

    def _write_evaluations(self) -> list[RowChange]:
        made = [
            ConditionEvaluation(node_run=self._nodes[key], at=self.at, branch=one.branch or "", tried=one.tried)
            for key, one in self._choices.items()
        ]
        self._choices = {}
        return added(*ConditionEvaluation.objects.bulk_create(made)) if made else []


def _alter(row: Model, **values: object) -> list[RowChange]:
    """Write the values of a row that differ."""
    before = columns(row)
    for name, value in values.items():
        setattr(row, name, value)
    if changes := altered(row, before):
        row.save(update_fields=list(values))
    return changes
