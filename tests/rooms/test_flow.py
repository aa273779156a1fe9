"""How cases flow: steps, branches, successors, manual steps, what cannot be completed, sub-cases, ad hoc actions, windows."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.jobs import timers
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.outbox.models import Event
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import queries as offering_queries
from workwire.rooms.offering.models import ProcessType, ProcessVersion, ServiceLine, VersionState, WorkType
from workwire.rooms.work import commands
from workwire.rooms.work.commands.deed_checks import MOST_NESTED
from workwire.rooms.work.models import ChecklistResult, ResolutionMethod, Status, StatusReason, WaitType, WorkItem

Build = Callable[..., ProcessVersion]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def build(actors: dict[str, Actor], first: Customer) -> Build:
    """A live case version: each step a list of the branches of its actions, or of (branch, checklist); `manual` steps
    are followed by hand; version after version of the same process."""
    admin, line = actors["administrator"], ServiceLine.objects.get()
    case_type = offering.create_work_type(line, ProcessType.CASE, "Flow", by=admin)
    process = offering.create_process(first.service, case_type, by=admin)

    def make(*steps: Sequence[int], manual: tuple[int, ...] = (), ad_hoc: bool = False) -> ProcessVersion:
        version = offering.create_version(process, by=admin)
        kind = WorkType.objects.get(name="Check Budget")
        for number, branches in enumerate(steps, start=1):
            step = offering.add_step(version, f"Step {number}", automatic=number not in manual, by=admin)
            for branch in branches:
                offering.add_action(step, kind, branch=branch, by=admin)
        if ad_hoc:
            offering.add_ad_hoc_action(version, kind, checklist=("Seen?",), by=admin)
        return offering.set_version_state(version, VersionState.LIVE, by=admin)

    return make


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feedback window of one day."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))


def _case(version: ProcessVersion, by: Actor, title: str = "Flow") -> WorkItem:
    return commands.create_case(version.guid, by=by, title=title, submit=True)


def _open(case: WorkItem) -> list[str]:
    """The references of what is open under a case, without the case's own."""
    found = WorkItem.objects.filter(parent=case.pk).exclude(status__in=(Status.RESOLVED, Status.CLOSED)).order_by("pk")
    return [(item.reference or "").removeprefix(f"{case.reference}-") for item in found]


def _action(case: WorkItem, name: str) -> WorkItem:
    return WorkItem.objects.get(reference=f"{case.reference}-{name}")


def _finish(case: WorkItem, *names: str, by: Actor) -> None:
    for name in names:
        commands.resolve(_action(case, name), by=by)


def _now(item: WorkItem) -> tuple[Status, StatusReason]:
    item = WorkItem.objects.get(pk=item.pk)
    return Status(item.status), StatusReason(item.status_reason)


def test_branches_run_beside_each_other_and_a_branch_is_a_sequence(build: Build, by: Actor) -> None:
    """work-manager CAS-3."""
    case = _case(build((1, 1, 2), (1,)), by)
    assert _open(case) == ["A1.1", "A1.3"]
    _finish(case, "A1.1", by=by)
    assert _open(case) == ["A1.3", "A1.2"]
    _finish(case, "A1.3", by=by)
    assert _open(case) == ["A1.2"]
    _finish(case, "A1.2", by=by)
    assert _open(case) == ["A2.1"]
    with recorded() as found:
        _finish(case, "A2.1", by=by)
    assert found.names == ["WorkItemUpdated", "WorkItemUpdated"]
    assert [event.record_guid for event in found.events] == [_action(case, "A2.1").guid, case.guid]
    assert _now(case) == (Status.CLOSED, StatusReason.ALL_CHILDREN_COMPLETED)
    assert WorkItem.objects.get(pk=case.pk).resolution_method == ResolutionMethod.CASE_COMPLETED


def test_a_running_case_keeps_the_version_it_was_started_with(build: Build, by: Actor) -> None:
    """builder SL-5."""
    before = build((1,), (1,))
    case = _case(before, by)
    build((1,))
    _finish(case, "A1.1", by=by)
    assert _open(case) == ["A2.1"]
    assert WorkItem.objects.get(pk=case.pk).process_version_id == before.pk
    with pytest.raises(Invalid) as refusal:
        _case(before, by)
    assert refusal.value.code == "version_retiring"


def test_after_a_manual_step_the_case_goes_to_its_owner_who_lets_it_go_on(build: Build, by: Actor) -> None:
    case = _case(build((1,), (1,), manual=(1,)), by)
    _finish(case, "A1.1", by=by)
    assert _open(case) == []
    assert _now(case) == (Status.TO_DO, StatusReason.PREVIOUS_STEP_COMPLETED)
    assert WorkItem.objects.get(pk=case.pk).assignee_id == by.user_id == case.owner_id
    commands.start_next_step(case, by=by)
    assert _open(case) == ["A2.1"]
    with pytest.raises(Conflict) as refusal:
        commands.start_next_step(case, by=by)
    assert refusal.value.code == "step_not_done"


def test_an_action_that_cannot_be_completed_sends_the_case_back(build: Build, by: Actor) -> None:
    case = _case(build((1, 1, 2), (1,)), by)
    with recorded() as found:
        commands.complete_unsuccessfully(_action(case, "A1.1"), by=by)
    assert found.names == ["WorkItemUpdated", "WorkItemUpdated"]
    assert _now(case) == (Status.TO_DO, StatusReason.ACTION_UNABLE_TO_COMPLETE)
    assert _open(case) == ["A1.3"]  # its successor A1.2 is not started
    _finish(case, "A1.3", by=by)
    assert _open(case) == []
    assert _now(case)[0] == Status.TO_DO  # the step is not done: somebody must decide
    commands.start_next_step(case, by=by)
    _finish(case, "A2.1", by=by)
    assert _now(case) == (Status.CLOSED, StatusReason.ALL_CHILDREN_COMPLETED)


def test_a_case_is_resolved_by_hand_only_when_nothing_under_it_is_open(build: Build, by: Actor) -> None:
    case = _case(build((1,)), by)
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.resolve(case, by=by)
    assert refusal.value.code == "case_has_open_work"
    assert found.events == []
    commands.complete_unsuccessfully(_action(case, "A1.1"), by=by)
    commands.resolve(case, by=by, method=ResolutionMethod.CANCELLED)
    assert _now(case)[0] == Status.CLOSED


def test_an_ad_hoc_action_stands_beside_the_flow(build: Build, by: Actor, first: Customer) -> None:
    """work-manager CAS-8, ACT-4."""
    version = build((1,), (1,), ad_hoc=True)
    case = _case(version, by)
    definition = offering_queries.launchable(version)[0]
    due = clock.now() + timedelta(days=3)
    one, two = commands.launch_action(case, definition.guid, by=by, times=2, instructions="Call again.", due_date=due)
    assert [item.reference for item in (one, two)] == [f"{case.reference}-A0.1", f"{case.reference}-A0.1-2"]
    assert {(item.description, item.due_date, item.due_date_overridden) for item in (one, two)} == {
        ("Call again.", due, True)
    }
    assert {item.assignee_id for item in (case, one, two)} == {None}
    _finish(case, "A1.1", by=by)
    assert "A2.1" in _open(case)  # no step waits for what was launched by hand
    _finish(case, "A2.1", by=by)
    assert _now(case)[0] == Status.IN_PROGRESS  # but the case does not end before it
    for action in (one, two):
        with pytest.raises(Conflict) as refusal:
            commands.resolve(action, by=by)
        assert refusal.value.code == "checklist_open"
        commands.answer_checklist(action.checklist.get(), result=ChecklistResult.YES, by=by)
        commands.resolve(action, by=by)
    assert _now(case) == (Status.CLOSED, StatusReason.ALL_CHILDREN_COMPLETED)
    with pytest.raises(Conflict):
        commands.launch_action(case, definition.guid, by=by)


@pytest.mark.parametrize("times", [0, 101])
def test_launching_is_bounded_and_only_of_what_may_be_launched(times: int, build: Build, by: Actor) -> None:
    """work-manager CAS-8."""
    version = build((1,), ad_hoc=True)
    case = _case(version, by)
    with pytest.raises(Invalid) as refusal:
        commands.launch_action(case, offering_queries.launchable(version)[0].guid, by=by, times=times)
    assert refusal.value.code == "times_invalid"
    fixed = version.steps.get(number=1).actions.get()
    with pytest.raises(Invalid) as refusal:
        commands.launch_action(case, fixed.guid, by=by)
    assert refusal.value.code == "action_not_in_case"


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_case_waits_for_its_sub_case(cancelled: bool, build: Build, by: Actor) -> None:
    version = build((1,), (1,), manual=(1,))
    case = _case(version, by)
    _finish(case, "A1.1", by=by)
    below = commands.launch_sub_case(case, version.guid, "Below", by=by)
    waiting = WorkItem.objects.get(pk=case.pk)
    assert (waiting.status, waiting.wait_type) == (Status.WAITING, WaitType.SUB_CASE)
    assert (below.parent_id, below.status) == (case.pk, Status.IN_PROGRESS)
    if cancelled:
        commands.complete_unsuccessfully(_action(below, "A1.1"), by=by)
        commands.resolve(below, by=by, method=ResolutionMethod.CANCELLED)
    else:
        _finish(below, "A1.1", by=by)
        commands.start_next_step(below, by=by)
        _finish(below, "A2.1", by=by)
    reason = StatusReason.SUB_CASE_CANCELLED if cancelled else StatusReason.SUB_CASE_COMPLETED
    assert _now(case) == (Status.TO_DO, reason)


def test_a_case_waits_for_the_last_of_several_sub_cases(build: Build, by: Actor) -> None:
    """work-manager SUB-1."""
    version = build((1,))
    case = _case(version, by)
    one, two = (commands.launch_sub_case(case, version.guid, name, by=by) for name in ("One", "Two"))
    _finish(one, "A1.1", by=by)
    assert _now(case)[0] == Status.WAITING
    _finish(two, "A1.1", by=by)
    assert _now(case) == (Status.IN_PROGRESS, StatusReason.SUB_CASE_COMPLETED)
    _finish(case, "A1.1", by=by)
    assert _now(case) == (Status.CLOSED, StatusReason.ALL_CHILDREN_COMPLETED)


def test_an_independent_sub_case_holds_nothing_up(build: Build, by: Actor) -> None:
    version = build((1,))
    case = _case(version, by)
    below = commands.launch_sub_case(case, version.guid, "Apart", independent=True, by=by)
    assert _now(case)[0] == Status.IN_PROGRESS
    _finish(case, "A1.1", by=by)
    assert _now(case)[0] == Status.CLOSED
    _finish(below, "A1.1", by=by)
    assert _now(below)[0] == Status.CLOSED


def test_the_end_of_the_lowest_case_ends_those_above_it(build: Build, by: Actor) -> None:
    version = build((1,))
    top = _case(version, by, "Top")
    middle = commands.launch_sub_case(top, version.guid, "Middle", by=by)
    bottom = commands.launch_sub_case(middle, version.guid, "Bottom", by=by)
    _finish(top, "A1.1", by=by)
    _finish(middle, "A1.1", by=by)
    assert [_now(case)[0] for case in (top, middle, bottom)] == [Status.WAITING, Status.WAITING, Status.IN_PROGRESS]
    _finish(bottom, "A1.1", by=by)
    assert [_now(case)[0] for case in (top, middle, bottom)] == [Status.CLOSED] * 3


def test_cases_are_nested_only_so_deep(build: Build, by: Actor) -> None:
    version = build((1,))
    case = _case(version, by, "Level 1")
    for level in range(2, MOST_NESTED + 1):
        case = commands.launch_sub_case(case, version.guid, f"Level {level}", by=by)
    with pytest.raises(Conflict) as refusal:
        commands.launch_sub_case(case, version.guid, "Too deep", by=by)
    assert refusal.value.code == "nested_too_deep"


def test_a_line_of_cases_of_any_length_ends(build: Build, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that was nested before there was a bound: longer than what the interpreter lets calls be nested."""
    monkeypatch.setattr("workwire.rooms.work.commands.deed_checks.MOST_NESTED", 10_000)
    version, levels = build((1,)), 60
    line = [_case(version, by, "Level 1")]
    while len(line) < levels:
        line.append(commands.launch_sub_case(line[-1], version.guid, f"Level {len(line) + 1}", by=by))
    for case in line[:-1]:
        _finish(case, "A1.1", by=by)
    with recursion_limit(len(inspect.stack()) + 150):
        _finish(line[-1], "A1.1", by=by)
    assert {_now(case)[0] for case in line} == {Status.CLOSED}


@contextmanager
def recursion_limit(depth: int) -> Iterator[None]:
    """Let calls be nested only so deep for a while."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def test_a_resolved_item_is_reopened_inside_its_window_and_closed_after_it(
    build: Build, by: Actor, window: None
) -> None:
    """work-manager STA-5, CAS-3."""
    case = _case(build((1,)), by)
    _finish(case, "A1.1", by=by)
    resolved = WorkItem.objects.get(pk=case.pk)
    assert resolved.status == Status.RESOLVED
    assert resolved.closes_on is not None
    assert resolved.resolved_on is not None
    conversations.add(case, by=by, kind=CommunicationType.EMAIL_INCOMING, body="Not yet", sender_address="a@b.example")
    again = WorkItem.objects.get(pk=case.pk)
    assert (again.status, again.status_reason) == (Status.TO_DO, StatusReason.NEW_INFORMATION)
    assert (again.resolved_on, again.resolved_by_id) == (resolved.resolved_on, resolved.resolved_by_id)
    commands.resolve(case, by=by)
    assert timers.turn(clock.now() + timedelta(hours=23)) == 0
    with pytest.raises(Forbidden):
        commands.close_window(case, by=by)
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert timers.turn(clock.now()) == 1
    assert _now(case) == (Status.CLOSED, StatusReason.FEEDBACK_WINDOW_PASSED)
    with pytest.raises(Conflict):
        commands.reopen(case, by=by)


def test_the_clock_wakes_what_waits_and_says_why(build: Build, by: Actor) -> None:
    version = build((1,), (1,))
    dated, informed = (_case(version, by, title) for title in ("Date", "Information"))
    soon = clock.now() + timedelta(hours=1)
    commands.wait_until(dated, soon, by=by)
    commands.wait_for_information(informed, until=soon, by=by)
    assert timers.turn(clock.now()) == 0
    with clock.frozen(soon), recorded() as found:
        assert timers.turn(clock.now()) == 2
        assert timers.turn(clock.now()) == 0
    assert found.names == ["WorkItemUpdated"] * 2
    assert {event.actor_id for event in found.events} == {None}
    assert _now(dated) == (Status.TO_DO, StatusReason.DATE_REACHED)
    assert _now(informed) == (Status.TO_DO, StatusReason.TIMEOUT)


def test_time_waited_moves_the_due_date_where_the_rule_says_so(first: Customer, by: Actor) -> None:
    category = first.category.guid
    ticket = commands.create_ticket(first.ticket_version.guid, by=by, title="x", category_guid=category, submit=True)
    before = ticket.due_date
    commands.wait_for_information(ticket, by=by)
    WorkItem.objects.filter(pk=ticket.pk).update(waiting_since=clock.now() - timedelta(days=14))
    woken = commands.information_arrived(ticket, by=by)
    assert before is not None
    assert woken.due_date is not None
    assert woken.due_date - before > timedelta(days=7)
    assert len(woken.due_steps) > len(ticket.due_steps)


def test_a_draft_says_nothing_of_its_flow_until_it_is_submitted(build: Build, by: Actor) -> None:
    case = commands.create_case(build((1, 2)).guid, by=by, title="Draft")
    assert (case.status, case.due_date, case.current_step) == (Status.DRAFT, None, None)
    assert _open(case) == []
    with recorded() as found:
        commands.submit(case, by=by)
    assert sorted(found.names) == ["WorkItemCreated", "WorkItemCreated", "WorkItemUpdated"]
    with pytest.raises(Conflict):
        commands.submit(case, by=by)


def test_whoever_finishes_an_action_needs_no_sight_of_the_cases_above_for_them_to_go_on(
    build: Build, by: Actor, actors: dict[str, Actor]
) -> None:
    case = _case(build((1,)), by)
    _finish(case, "A1.1", by=actors["robot"])
    events = Event.objects.filter(record_guid=case.guid).order_by("sequence")
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert _now(case)[0] == Status.CLOSED
    assert commands.information_arrived(case, by=SYSTEM).status == Status.CLOSED
