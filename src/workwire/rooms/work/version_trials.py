"""A version of a case process, a draft too, tried without any work: what a case would do, deed by deed, and why.

A trial is told what a case would hold and what people would do, and tells what the flow comes to: the branches that are taken
and what their conditions saw, the actions that start, who would get them and when they would be due. It is computed from its
beginning each time and nothing of it is written, so that no work, queue, number, event or report knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering import conditions
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.flow_graphs import NodeKind
from workwire.rooms.offering.models import ProcessType, ProcessVersion
from workwire.rooms.offering.version_graphs import graph_of
from workwire.rooms.work import advancing, branch_choice, condition_facts, trial_items
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
    Halt,
    Happening,
    NodeState,
    Phase,
    Reworked,
    Run,
    Start,
    Stop,
    rework_points,
)
from workwire.rooms.work.models import WorkItem

MOST_DEEDS = 100


class What(StrEnum):
    """What people do in a trial."""

    COMPLETE = "complete"
    FAIL = "fail"
    CONTINUE = "continue"
    REWORK = "rework"


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that somebody does in a trial: completes or fails the action of a `node`, lets the case go on, or sends it
    back to a `step`, or to the action of a `node` in it. `custom_data` is what is written by it, `answers` those to lines of a
    checklist."""

    what: What
    node: UUID | None = None
    step: int | None = None
    custom_data: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that comes of a deed (0 is the beginning, then they are counted from 1), and why; of an action that starts
    also when it would be due."""

    deed: int
    said: Statement
    because: Sequence[Statement] = ()
    node: str = ""
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial came to: its story, where the case would stand, and the nodes of the actions that would be under way."""

    story: Sequence[Told]
    phase: Phase
    step: int
    running: Sequence[str]
    rework: Sequence[Reworked]


def try_version(
    guid: UUID,
    deeds: Sequence[Deed],
    *,
    by: Actor,
    custom_data: Mapping[str, Any],
    file_tags: frozenset[str] = frozenset(),
) -> Trial:
    """Try a version in any state, for who builds and sees it. `custom_data` is what the case begins with, `file_tags` the
    names of the tags that its files have.

    Raises NotFound and Forbidden, Invalid for values or another kind of process, Conflict with the place of the deed for one
    that would not be possible.
    """
    require(by, features.PROCESSES)
    version = offering.version(guid, by=by)
    if version.process.work_type.kind != ProcessType.CASE:
        raise Invalid("trial_not_of_case", field="process_version")
    if len(deeds) > MOST_DEEDS:
        raise Invalid("trial_too_long", field="deeds", most=MOST_DEEDS)
    trial = _Trying(version, custom_data, file_tags, by)
    trial.tell(Begun())
    for number, deed in enumerate(deeds, start=1):
        trial.do(number, deed)
    return trial.outcome()


class _Trying:
    """A case that is not there, and where it stands."""

    def __init__(
        self, version: ProcessVersion, custom_data: Mapping[str, Any], file_tags: frozenset[str], by: Actor
    ) -> None:
        self.by, self.at = by, clock.now()
        self.case = trial_items.new_case(version, custom_data, by=by, at=self.at)
        self.version = graph_of(version.pk)
        self.known = condition_facts.Supposed(file_tags=file_tags)
        self.run, self.number = Run(), 0
        self.story: list[Told] = []
        self.actions: dict[str, WorkItem] = {}

    def do(self, number: int, deed: Deed) -> None:
        """Carry out a deed."""
        self.number = number
        trial_items.write(self.case, deed.custom_data, by=self.by, field=f"deeds.{number}.custom_data")
        self.known.answers.update(deed.answers)
        self.tell(self._happening(deed))

    def tell(self, happening: Happening) -> None:
        """Advance by a happening, and by what the conditions come to that it leads to."""
        ahead = [happening]
        while ahead:
            self.run, effects = advancing.advance(self.version.graph, self.run, ahead.pop(0))
            for effect in effects:
                if isinstance(effect, Evaluate):
                    ahead.append(self._evaluate(effect.node))
                else:
                    self._note(effect)

    def outcome(self) -> Trial:
        """Where the case stands now."""
        nodes = [node for node in self.version.graph.ordered if node.kind == NodeKind.ACTION]
        running = [node.key for node in nodes if self.run.state(node.key) == NodeState.RUNNING]
        points = rework_points(self.version.graph, self.run) if self.run.phase != Phase.OVER else []
        return Trial(self.story, self.run.phase, self.run.stage, running, points)

    def _happening(self, deed: Deed) -> Happening:
        place, key = f"deeds.{self.number}", str(deed.node)
        if deed.what == What.CONTINUE:
            return Continued()
        if deed.what == What.REWORK:
            wish = Reworked(deed.step or 0, key if deed.node is not None else "")
            if wish not in self.outcome().rework:
                raise Conflict("rework_place_invalid", field=place)
            return wish
        if key not in self.outcome().running:
            raise Conflict("trial_not_running", field=place)
        action = self.actions[key]
        if deed.what == What.FAIL:
            self._say(statement("trial_did.failed", action=self._name(key)), key)
            return Failed(key)
        self._say(statement("trial_did", action=self._name(key)), key)
        action.resolved_on = self.at
        self.known.last_action = action
        return Completed(key)

    def _evaluate(self, key: str) -> Happening:
        node = self.version.graph.by_key[key]
        choice = branch_choice.choose_by(
            node.branches,
            lambda trees: condition_facts.facts_supposed(self.case, trees, self.known, at=self.at),
        )
        saw = [said for tried in choice.tried for said in conditions.explain(tried)]
        if choice.branch is None:
            self._say(statement("flow_waits.failed_condition", condition=node.name), key, saw)
            return Failed(key)
        branch = next(one.name for one in node.branches if one.key == choice.branch)
        self._say(statement("trial_takes", condition=node.name, branch=branch), key, saw)
        return Chosen(key, choice.branch)

    def _note(self, effect: Effect) -> None:
        match effect:
            case Enter(stage):
                self.case.current_step = self.version.steps[stage]
                self._say(statement("trial_enters", step=self._step(stage)))
            case Start(node):
                self._start(node)
            case Stop(node):
                self._say(statement("trial_stops", action=self._name(node)), node)
            case Halt(because, node):
                self._halt(because, node)
            case Close():
                self._say(statement("trial_ends"))

    def _start(self, key: str) -> None:
        action = trial_items.new_action(self.case, self.version.actions[key], by=self.by, at=self.at)
        self.actions[key] = action
        who = [Statement(one["code"], one["parameters"]) for one in (action.assignment or {}).get("tried", ())]
        due = [Statement(step["code"], step["parameters"]) for step in action.due_steps]
        told = statement("trial_starts", action=self._name(key))
        self.story.append(Told(self.number, told, [*who, *due], key, action.due_date))

    def _halt(self, because: Because, node: str) -> None:
        step = self._step(self.run.stage)
        match because:
            case Because.NO_STEP:
                self._say(statement("attention.no_step"))
            case Because.STEP_DONE:
                self._say(statement("attention.step_done", step=step))
            case Because.STEP_EMPTY:
                self._say(statement("attention.step_empty", step=step))
            case Because.PAUSED:
                self._say(statement("attention.paused", step=step))
            case Because.ACTION_FAILED:
                self._say(statement("flow_waits.failed_action", action=self._name(node)), node)
            case Because.CONDITION_FAILED:
                pass  # told where it was evaluated

    def _say(self, said: Statement, node: str = "", because: Sequence[Statement] = ()) -> None:
        self.story.append(Told(self.number, said, because, node))

    def _name(self, key: str) -> str:
        return self.version.graph.by_key[key].name

    def _step(self, number: int) -> str:
        stage = self.version.graph.by_number.get(number)
        return stage.name if stage is not None else ""
