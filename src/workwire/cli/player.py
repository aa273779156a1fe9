"""Playing an event log: every trace becomes a case, every event of it a change of that case, through the ordinary commands.

The traces are dealt out over the case processes the robot may see, so that a log of one organisation becomes work for all
customers of an installation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from workwire.access import sessions
from workwire.access.models import User
from workwire.cli.xes import Trace, XesEvent
from workwire.kernel.actor import Actor, UserType
from workwire.rooms.catalogue import queries as catalogue
from workwire.rooms.catalogue.models import ProcessType, VersionState
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.models import WorkItem
from workwire.rooms.work.transitions import OPEN


class CannotPlay(Exception):
    """There is no robot, or no case process it may see; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Player:
    """Plays traces as a robot."""

    robot: Actor
    versions: Sequence[UUID]

    def play(self, trace: Trace, number: int) -> Iterator[XesEvent]:
        """Play one trace; yields each of its events when its change has been made, so that the caller sets the pace."""
        case: WorkItem | None = None
        for event in trace.events:
            if case is None:
                case = self._start(trace, event, number)
            else:
                case = work.update(case, by=self.robot, custom_data=_activity(event))
            yield event
        if case is not None:
            self._finish(case)

    def _start(self, trace: Trace, event: XesEvent, number: int) -> WorkItem:
        return work.create_case(
            self.versions[number % len(self.versions)],
            by=self.robot,
            submit=True,
            title=trace.name[:200] or f"Trace {number}",
            custom_data={"Trace": trace.name} | _activity(event),
        )

    def _finish(self, case: WorkItem) -> None:
        """Work the case's actions off, step by step; the end of the last one ends the case."""
        while actions := list(items.items_under(case, by=self.robot).filter(kind=ProcessType.ACTION, status__in=OPEN)):
            for action in actions:
                work.resolve(action, by=self.robot)


def player_for(username: str | None) -> Player:
    """A player acting as a robot account (the first active one when none is named); raises CannotPlay."""
    robots = User.objects.filter(user_type=UserType.ROBOT, is_active=True).order_by("id")
    robot = (robots.filter(username=username) if username else robots).first()
    if robot is None:
        raise CannotPlay("There is no such robot account; name one with --robot, or run the demo first.")
    actor = sessions.actor_for(robot)
    live = catalogue.versions_visible_to(actor).filter(
        state=VersionState.LIVE, process__work_type__kind=ProcessType.CASE
    )
    versions = list(live.order_by("id").values_list("guid", flat=True))
    if not versions:
        raise CannotPlay(f"The robot {robot.username} may see no case process with a live version.")
    return Player(actor, versions)


def play_all(player: Player, traces: Iterable[Trace]) -> Iterator[tuple[int, XesEvent]]:
    """Play traces one after the other; yields the number of the trace with each of its events."""
    for number, trace in enumerate(traces):
        for event in player.play(trace, number):
            yield number, event


def _activity(event: XesEvent) -> dict[str, Any]:
    return {
        "Activity": event.activity,
        "Resource": event.resource,
        "At": event.timestamp.isoformat() if event.timestamp else None,
    }
