"""Expected time of work items (work-manager TIM-4 … TIM-9): where it comes from, what edits do to the cases above, who may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.organisation import Customer
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import features
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.rooms.commitments.rules import DueRule, Unit
from workwire.rooms.effort import commands, estimates
from workwire.rooms.effort.models import ExpectedTime
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessType, ProcessVersion, ServiceLine, VersionState, WorkType
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime

    def pass_by(self, **time: int) -> None:
        """Move on."""
        self.now += timedelta(**time)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock at nine in the morning of a Monday."""
    found = Clock(MONDAY)
    monkeypatch.setattr(clock, "now", lambda: found.now)
    return found


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def version(admin: Actor, first: Customer) -> ProcessVersion:
    """A case of 120 minutes a record: two actions after each other, of 60 and 15 minutes a record."""
    return build(admin, first, 120, (60, 15))


def build(admin: Actor, customer: Customer, whole: int | None, each: tuple[int | None, ...]) -> ProcessVersion:
    """A live case version with one action a step and what is expected of them."""
    kind = offering.create_work_type(
        ServiceLine.objects.get(), ProcessType.CASE, f"Flow of {whole} and {each}", by=admin
    )
    process = offering.create_process(customer.service, kind, by=admin)
    due = DueRule(3, Unit.WORKING_DAYS)
    version = offering.create_version(process, effort_per_record=whole, due=due, by=admin)
    action = WorkType.objects.get(name="Check Budget")
    for number, minutes in enumerate(each, start=1):
        step = offering.add_step(version, f"Step {number}", by=admin)
        offering.add_action(step, action, effort_per_record=minutes, by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


def new_case(version: ProcessVersion, by: Actor, **more: int) -> WorkItem:
    """A case that flows."""
    return work.create_case(version.guid, by=by, title="Order", submit=True, **more)


def action_of(case: WorkItem, name: str = "A1.1") -> WorkItem:
    """An action by its place."""
    return WorkItem.objects.get(reference=f"{case.reference}-{name}")


def told(item: WorkItem, by: Actor) -> tuple[int | None, int | None, float | None]:
    """What is expected, the rest, and what is left."""
    found = estimates.effort_of(WorkItem.objects.get(pk=item.pk), by=by)
    return found.expected, found.rest, found.remaining


def codes(item: WorkItem, by: Actor) -> list[str]:
    """The reasons by code."""
    return [one.code for one in estimates.effort_of(WorkItem.objects.get(pk=item.pk), by=by).explanation]


def test_a_case_begins_with_what_its_process_gives_a_record(version: ProcessVersion, by: Actor) -> None:
    """work-manager TIM-5, TIM-6: an action that is created takes its time from the rest."""
    case = new_case(version, by, record_count=2)
    assert told(case, by) == (240, 120, 240)
    assert told(action_of(case), by) == (120, None, 120)
    work.resolve(action_of(case), by=by)
    assert told(action_of(case), by) == (120, None, 0)
    assert told(action_of(case, "A2.1"), by) == (30, None, 30)
    assert told(case, by) == (240, 90, 120)
    assert codes(case, by) == ["effort.per_record", "effort.created", "effort.rest"]


def test_one_record_is_told_of_as_one(version: ProcessVersion, by: Actor) -> None:
    said = [
        estimates.effort_of(new_case(version, by, record_count=count), by=by).explanation[0].sentence()
        for count in (1, 2)
    ]
    assert [sentence.rpartition("; ")[2] for sentence in said] == [
        "1 record makes 120 minutes.",
        "2 records make 240 minutes.",
    ]


def test_where_the_process_says_nothing_nothing_is_expected(admin: Actor, first: Customer, by: Actor) -> None:
    """work-manager TIM-4."""
    case = new_case(build(admin, first, None, (None,)), by)
    assert told(case, by) == (None, None, None)
    assert codes(case, by) == codes(action_of(case), by) == ["effort.nothing_given"]


def test_it_follows_the_records_until_somebody_sets_it(version: ProcessVersion, by: Actor) -> None:
    """work-manager TIM-5, ACT-5: records of an action are those of the actions to come, but of none that is closed."""
    case = new_case(version, by)
    work.update(action_of(case), by=by, record_count=3)
    assert (told(case, by)[0], told(action_of(case), by)[0]) == (360, 180)
    work.resolve(action_of(case), by=by)
    work.update(action_of(case, "A2.1"), by=by, record_count=4)
    assert (told(case, by)[0], told(action_of(case), by)[0], told(action_of(case, "A2.1"), by)[0]) == (480, 180, 60)
    commands.expect(case, 500, by=by)
    work.update(action_of(case, "A2.1"), by=by, record_count=1)
    assert (told(case, by)[0], told(action_of(case, "A2.1"), by)[0]) == (500, 15)
    commands.expect(case, None, by=by)
    assert told(case, by)[:2] == (195, 0)  # what was created is more than the 120 minutes given
    assert codes(case, by)[-1] == "effort.raised"


def test_total_and_rest_move_each_other(version: ProcessVersion, by: Actor) -> None:
    """work-manager TIM-6."""
    case = new_case(version, by)
    commands.expect(case, 200, by=by)
    assert told(case, by)[:2] == (200, 140)
    commands.expect_of_rest(case, 10, by=by)
    assert told(case, by)[:2] == (70, 10)
    assert codes(case, by)[0] == "effort.by_hand"
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.expect(case, 59, by=by)
    assert (refusal.value.code, found.events) == ("expected_below_created", [])
    with pytest.raises(Invalid):
        commands.expect_of_rest(action_of(case), 10, by=by)


def test_an_action_gives_to_the_rest_and_takes_from_it(version: ProcessVersion, by: Actor) -> None:
    """work-manager TIM-7."""
    case = new_case(version, by)
    action = action_of(case)
    commands.expect(action, 20, by=by)
    assert told(case, by)[:2] == (120, 100)
    commands.expect(action, 150, by=by)
    assert told(case, by)[:2] == (150, 0)
    commands.expect(action, 30, by=by)
    assert told(case, by)[:2] == (150, 120)  # the total stays raised
    assert not ExpectedTime.objects.get(work_item=case.pk).by_hand
    work.update(case, by=by, record_count=2)
    assert told(case, by)[:2] == (240, 210)  # and follows the records still


def test_a_sub_case_that_grows_takes_from_its_parent_first(version: ProcessVersion, by: Actor) -> None:
    """work-manager TIM-7, TIM-9."""
    case = new_case(version, by)
    sub = work.launch_sub_case(case, version.guid, "Part", by=by)
    assert told(case, by)[:2] == (180, 0)  # 60 of the action, 120 of the sub-case
    commands.expect_of_rest(case, 50, by=by)
    commands.expect(action_of(sub), 130, by=by)
    assert (told(sub, by)[:2], told(case, by)[:2]) == ((130, 0), (230, 40))
    commands.expect(action_of(sub), 200, by=by)
    assert (told(sub, by)[:2], told(case, by)[:2]) == ((200, 0), (260, 0))
    parts = estimates.effort_of(case, by=by).parts
    assert {(part.item.reference, part.expected) for part in parts} == {
        (f"{case.reference}-A1.1", 60),
        (sub.reference, 200),
    }


def test_what_took_time_is_left_less_and_the_latest_start_is_in_working_time(
    version: ProcessVersion, by: Actor, time: Clock
) -> None:
    """work-manager TIM-8."""
    case = new_case(version, by)
    commands.expect(case, 16 * 60, by=by)
    begun = estimates.effort_of(case, by=by)
    assert case.due_date is not None
    assert begun.start_by is not None
    assert case.due_date - begun.start_by == timedelta(days=2)  # of eight hours each
    session = commands.start(action_of(case), by=by)
    time.pass_by(minutes=45)
    commands.stop(session, by=by)
    worked = estimates.effort_of(case, by=by)
    assert (worked.actual, worked.remaining, worked.start_by) == (45, 16 * 60 - 45, None)
    assert told(action_of(case), by) == (60, None, 15)


def test_each_is_one_change_and_nothing_is_changed_twice(version: ProcessVersion, by: Actor) -> None:
    case = new_case(version, by)
    with recorded() as found:
        commands.expect(action_of(case), 90, by=by)
        commands.expect(action_of(case), 90, by=by)
    assert found.names == ["WorkItemUpdated"]


def test_what_is_finished_or_not_theirs_is_refused(
    version: ProcessVersion, by: Actor, actors: dict[str, Actor]
) -> None:
    """work-manager TIM-5: frozen once it is resolved."""
    case = new_case(version, by)
    action = action_of(case)
    stranger = actors["process builder of one company"]
    with pytest.raises(NotFound):
        commands.expect(action, 5, by=stranger)
    watcher = replace(by, features=by.features - {features.WORK_ITEMS})
    with pytest.raises(Forbidden):
        commands.expect(action, 5, by=watcher)
    with pytest.raises(Forbidden):
        estimates.effort_of(action, by=watcher)
    for minutes in (-1, 10_000_001):
        with pytest.raises(Invalid):
            commands.expect(action, minutes, by=by)
    work.resolve(action, by=by)
    with pytest.raises(Conflict):
        commands.expect(action, 5, by=by)
    assert not ExpectedTime.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_both_count(version: ProcessVersion, by: Actor, admin: Actor) -> None:
    """The case above is locked first, so that neither reads what the other is changing."""
    case = new_case(version, by)
    sub = work.launch_sub_case(case, version.guid, "Part", by=by)

    def grow(item: WorkItem) -> Callable[[], object]:
        return lambda: commands.expect(item, 500, by=admin)

    overlap(grow(action_of(case)), grow(action_of(sub)))
    assert told(case, admin)[:2] == (1000, 0)
