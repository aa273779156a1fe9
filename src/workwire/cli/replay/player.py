"""Playing an event log: every trace becomes a case, every event an action of it, through the ordinary commands.

The process is offered first: under every service the robot may see, a case process named after the log whose live version
has one action, launched by hand, for each activity of the log. The traces are dealt out over these, so that a log of one
organisation becomes work for all customers of an installation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from workwire.access import sessions
from workwire.access.models import User
from workwire.cli.replay.xes import Trace, XesEvent
from workwire.kernel import folding
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.rooms.offering import commands as building
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.data_field_queries import data_fields
from workwire.rooms.offering.models import (
    FieldKind,
    Process,
    ProcessType,
    ProcessVersion,
    ServiceLine,
    VersionState,
    WorkType,
)
from workwire.rooms.parties import queries as parties
from workwire.rooms.parties.models import Service
from workwire.rooms.work import commands as work

LONGEST_NAME = 200
TRACE, RESOURCE, PERFORMED_AT = "Trace", "Resource", "Performed At"
_FIELDS = {TRACE: FieldKind.SHORT_TEXT, RESOURCE: FieldKind.SHORT_TEXT, PERFORMED_AT: FieldKind.DATE_TIME}


class CannotPlay(Exception):
    """There is no robot, or no service it may see, or the installation stands in the way; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A live case version that has an action for every activity of a log, by the key of its name."""

    version: UUID
    actions: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class Player:
    """Plays traces as a robot."""

    robot: Actor
    offers: Sequence[Offer]

    def play(self, trace: Trace, number: int) -> Iterator[XesEvent]:
        """Play one trace; yields each of its events when its action is done, so that the caller sets the pace. With the last
        one the case is resolved, which has no steps that would end it."""
        if not trace.events:
            return
        offer = self.offers[number % len(self.offers)]
        case = work.create_case(
            offer.version,
            by=self.robot,
            submit=True,
            title=_name(trace.name) or f"Trace {number}",
            custom_data={TRACE: _name(trace.name)},
        )
        for place, event in enumerate(trace.events, start=1):
            (action,) = work.launch_action(case, offer.actions[_key(event.activity)], by=self.robot)
            performed = event.timestamp.isoformat() if event.timestamp else None
            work.resolve(action, by=self.robot, custom_data={RESOURCE: _name(event.resource), PERFORMED_AT: performed})
            if place == len(trace.events):
                work.resolve(case, by=self.robot)
            yield event


def player_for(username: str | None, log: str, activities: Iterable[str]) -> Player:
    """A player acting as a robot account (the first active one when none is named) for a log of some activities; raises
    CannotPlay. What the log needs is made where it is absent: custom data fields, types, processes and live versions."""
    robots = User.objects.filter(user_type=UserType.ROBOT, is_active=True).order_by("id")
    robot = (robots.filter(username=username) if username else robots).first()
    if robot is None:
        raise CannotPlay("There is no such robot account; name one with --robot, or run the demo first.")
    actor = sessions.actor_for(robot)
    services = list(parties.services_visible_to(actor).order_by("pk"))
    if not services:
        raise CannotPlay(f"The robot {robot.username} may see no service; give its group a company.")
    _make_fields()
    names: dict[str, str] = {}
    for activity in sorted(map(_activity, activities)):
        names.setdefault(folding.key(activity), activity)  # of several spellings of one name the first
    return Player(actor, [_offer(service, _activity(log), names) for service in services])


def play_all(player: Player, traces: Iterable[Trace]) -> Iterator[tuple[int, XesEvent]]:
    """Play traces one after the other; yields the number of the trace with each of its events."""
    for number, trace in enumerate(traces):
        for event in player.play(trace, number):
            yield number, event


def _make_fields() -> None:
    present = {field.key: field for field in data_fields()}
    for name, kind in _FIELDS.items():
        field = present.get(folding.key(name))
        if field is None:
            building.create_data_field(name, kind, by=SYSTEM, description="From a replayed event log.")
        elif field.kind != kind or field.retired:
            raise CannotPlay(f"The custom data field '{name}' is retired or of another kind; a replay writes to it.")


def _offer(service: Service, log: str, activities: Mapping[str, str]) -> Offer:
    """What a service offers for the log; what is absent is made, and a version that lacks an activity gets a successor."""
    line = service.service_line
    process = _process(service, _work_type(line, ProcessType.CASE, log))
    live = process.versions.filter(state=VersionState.LIVE).first()
    actions = _actions(live) if live else {}
    if live is None or not actions.keys() >= activities.keys():
        present = {action.work_type.name for action in offering.launchable(live)} if live else set()
        missing = {name for key, name in activities.items() if key not in actions}
        live = _new_version(process, line, sorted(present | missing))
        actions = _actions(live)
    return Offer(live.guid, actions)


def _process(service: Service, case_type: WorkType) -> Process:
    found = offering.processes_visible_to(SYSTEM).filter(service=service, work_type=case_type).first()
    return found or building.create_process(service, case_type, by=SYSTEM)


def _new_version(process: Process, line: ServiceLine, activities: Sequence[str]) -> ProcessVersion:
    version = building.create_version(process, by=SYSTEM)
    for activity in activities:
        building.add_ad_hoc_action(version, _work_type(line, ProcessType.ACTION, activity), by=SYSTEM)
    return building.set_version_state(version, VersionState.LIVE, by=SYSTEM)


def _actions(version: ProcessVersion) -> dict[str, UUID]:
    return {folding.key(action.work_type.name): action.guid for action in offering.launchable(version)}


def _work_type(line: ServiceLine, kind: ProcessType, name: str) -> WorkType:
    found = offering.work_types().filter(service_line=line, kind=kind, name_key=folding.key(name)).first()
    return found or building.create_work_type(line, kind, name, by=SYSTEM)


def _activity(given: str) -> str:
    return _name(given) or "Unnamed"


def _key(activity: str) -> str:
    return folding.key(_activity(activity))


def _name(given: str) -> str:
    """A text of the log as a name: on one line, without what no name may hold, not too long."""
    plain = "".join(letter if letter.isprintable() else " " for letter in folding.shown(given))
    return folding.single_blanks(plain).strip()[:LONGEST_NAME].strip()
