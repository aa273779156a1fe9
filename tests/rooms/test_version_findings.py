"""What is wrong with process versions: each finding, what it forbids, and what goes live in spite of advice."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access.models import Role, User
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.kernel.wording import wordings
from workwire.rooms.commitments.rules import Base, DueRule, Unit
from workwire.rooms.offering import commands, flow_graphs
from workwire.rooms.offering.findings import SEVERITIES, Finding, Severity, blocking
from workwire.rooms.offering.models import DataField, ProcessVersion, Schedule, VersionState, WorkType
from workwire.rooms.offering.version_findings import findings
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import Queue

SOURCE = Path(__file__).parents[2] / "src" / "workwire"
PLAIN = DueRule(1, Unit.DAYS)


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def queue(admin: Actor) -> Queue:
    """A queue of its own."""
    return work.create_queue("Desk", by=admin)


@pytest.fixture
def nora(admin: Actor) -> User:
    """An account that work goes to."""
    return access.create_user("nora", "Nora", [Role.objects.get(name="Team Member")], by=admin)


@pytest.fixture
def check() -> WorkType:
    """An action type of the organisation."""
    return WorkType.objects.get(name="Check Budget")


def _told(version: ProcessVersion) -> list[tuple[str, str]]:
    fresh = ProcessVersion.objects.get(pk=version.pk)
    return [(one.place, one.said.code.removeprefix("finding_")) for one in findings(fresh)]


def _draft(first: Customer, admin: Actor, **placed: Any) -> ProcessVersion:
    """A draft in place of the one there was."""
    for before in first.case_version.process.versions.filter(state=VersionState.DRAFT):
        commands.set_version_state(before, VersionState.ARCHIVE, by=admin)
    return commands.create_version(first.case_version.process, by=admin, **placed)


def _with_action(version: ProcessVersion, check: WorkType, admin: Actor, **placed: Any) -> ProcessVersion:
    step = commands.add_step(version, "Only step", by=admin)
    commands.add_action(step, check, by=admin, **placed)
    return version


def test_a_complete_version_has_no_findings(first: Customer, check: WorkType, queue: Queue, admin: Actor) -> None:
    allocation = commands.Allocation(queue=queue)
    version = _draft(first, admin, due=PLAIN, allocation=allocation)
    _with_action(version, check, admin, due=PLAIN, allocation=allocation)
    assert _told(version) == []
    commands.set_version_state(version, VersionState.LIVE, by=admin)


def test_advice_keeps_nothing_from_going_live(first: Customer, check: WorkType, nora: User, admin: Actor) -> None:
    version = _draft(first, admin)
    _with_action(version, check, admin, allocation=commands.Allocation(person=nora))
    assert _told(version) == [
        ("", "no_allocation"),
        ("", "no_due_date"),
        ("steps/1/actions/1", "person_without_queue"),
        ("steps/1/actions/1", "no_due_date"),
    ]
    assert blocking(findings(version)) == []
    commands.set_version_state(version, VersionState.LIVE, by=admin)


def test_what_was_refused_stays_refused_with_its_code(first: Customer, check: WorkType, admin: Actor) -> None:
    case = _draft(first, admin)
    assert ("", "no_step") in _told(case)
    assert _refused(case, admin) == "version_incomplete.case"
    commands.add_step(_with_action(case, check, admin), "Hollow", by=admin)
    assert ("steps/2", "step_empty") in _told(case)
    assert _refused(case, admin) == "version_incomplete.case"
    ticket = commands.create_version(first.ticket_version.process, by=admin)
    assert ("", "no_category") in _told(ticket)
    assert _refused(ticket, admin) == "version_incomplete.ticket"


def _refused(version: ProcessVersion, admin: Actor) -> str:
    """The code with which a version does not go live."""
    with pytest.raises(Conflict) as refused:
        commands.set_version_state(version, VersionState.LIVE, by=admin)
    return refused.value.full_code


Spoil = Callable[[Queue, User, Schedule, Actor], None]


def _retire_queue(queue: Queue, _nora: User, _schedule: Schedule, admin: Actor) -> None:
    work.update_queue(queue, retired=True, by=admin)


def _retire_person(_queue: Queue, nora: User, _schedule: Schedule, admin: Actor) -> None:
    access.set_active(nora, False, by=admin)


def _retire_schedule(_queue: Queue, _nora: User, schedule: Schedule, admin: Actor) -> None:
    commands.update_schedule(schedule, retired=True, by=admin)


def _retire_field(_queue: Queue, _nora: User, _schedule: Schedule, admin: Actor) -> None:
    commands.update_data_field(DataField.objects.get(name="Pay By"), retired=True, by=admin)


@pytest.mark.parametrize(
    ("spoil", "place", "code"),
    [
        (_retire_queue, "steps/1/actions/1", "queue_retired"),
        (_retire_person, "steps/1/actions/1", "person_retired"),
        (_retire_schedule, "", "schedule_retired"),
        (_retire_field, "steps/1/actions/1", "due_field"),
    ],
)
def test_what_was_retired_since_it_was_saved_keeps_a_version_from_going_live(
    spoil: Spoil, place: str, code: str, first: Customer, check: WorkType, queue: Queue, nora: User, admin: Actor
) -> None:
    schedule = Schedule.objects.get()
    version = _draft(first, admin, due=PLAIN, schedule=schedule, allocation=commands.Allocation(queue=first.queue))
    due = DueRule(1, Unit.DAYS, Base.CUSTOM_DATE, of="pay by")
    _with_action(version, check, admin, due=due, allocation=commands.Allocation(queue, nora))
    assert _told(version) == []
    spoil(queue, nora, schedule, admin)
    assert (place, code) in _told(version)
    for state in (VersionState.TESTING, VersionState.LIVE):
        with recorded() as found, pytest.raises(Conflict) as refused:
            commands.set_version_state(ProcessVersion.objects.get(pk=version.pk), state, by=admin)
        assert (refused.value.code, refused.value.statement.parameters) == ("version_not_ready", {"count": 1})
        assert found.events == []


@pytest.mark.parametrize(
    ("due", "follows", "code"),
    [
        (DueRule(1, Unit.DAYS, Base.SCHEDULE_DATE, of="Count"), False, "due_without_schedule"),
        (DueRule(1, Unit.DAYS, Base.SCHEDULE_DATE, of="Counted"), True, "due_date_name"),
        (DueRule(1, Unit.DAYS, Base.SCHEDULE_DATE, of="Count"), True, None),
        (DueRule(1, Unit.DAYS, Base.CUSTOM_DATE, of="Nowhere"), True, "due_field"),
        (DueRule(1, Unit.DAYS, Base.CUSTOM_DATE, of="Amount"), True, "due_field_kind"),
        (DueRule(1, Unit.DAYS, Base.CUSTOM_DATE, of="PAY BY"), True, None),
    ],
)
def test_builder_sc_7_due_dates_are_counted_from_what_is_there(
    due: DueRule, follows: bool, code: str | None, first: Customer, check: WorkType, queue: Queue, admin: Actor
) -> None:
    allocation = commands.Allocation(queue=queue)
    schedule = Schedule.objects.get() if follows else None
    version = _draft(first, admin, due=PLAIN, schedule=schedule, allocation=allocation)
    _with_action(version, check, admin, due=due, allocation=allocation)
    assert _told(version) == ([("steps/1/actions/1", code)] if code else [])


def test_findings_cost_the_same_for_many_steps(first: Customer, check: WorkType, queue: Queue, admin: Actor) -> None:
    counts = []
    for steps in (2, 9):
        version = _draft(first, admin, allocation=commands.Allocation(queue=queue))
        for _ in range(steps):
            _with_action(version, check, admin, allocation=commands.Allocation(queue=queue))
        fresh = ProcessVersion.objects.select_related("process__work_type", "queue", "person", "schedule").get(
            pk=version.pk
        )
        with CaptureQueriesContext(connection) as caught:
            findings(fresh)
        counts.append(len(caught))
    assert counts[0] == counts[1] <= 5


def test_every_finding_has_a_severity_and_a_sentence() -> None:
    said = {
        node.args[0].value
        for path in (SOURCE / "rooms").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "statement"
        if isinstance(node.args[0], ast.Constant) and str(node.args[0].value).startswith("finding_")
    }
    flaws = set(re.findall(r'"(flow_\w+)"', Path(flow_graphs.__file__).read_text()))
    assert said == {code for code in wordings() if code.startswith("finding_")}
    assert said | flaws == set(SEVERITIES)
    assert len(flaws) > 15
    assert flaws <= set(wordings())
    assert {Severity.MUST, Severity.BEFORE_LIVE, Severity.ADVICE} == set(SEVERITIES.values())
    assert isinstance(blocking([]), list)
    assert Finding.__doc__
