"""How cases go back in their flow, are aborted, and drafts are discarded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import queries as offering_queries
from workwire.rooms.offering.models import ProcessType, ProcessVersion, Schedule, ServiceLine, VersionState, WorkType
from workwire.rooms.work import commands
from workwire.rooms.work.explained_flow import flow_of
from workwire.rooms.work.models import NodeRun, ResolutionMethod, Status, StatusReason, WorkItem


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def version(actors: dict[str, Actor], first: Customer) -> ProcessVersion:
    """A live case version: in step 1 two actions after each other beside a third, in step 2 one, and one by hand."""
    admin, line = actors["administrator"], ServiceLine.objects.get()
    process = offering.create_process(
        first.service, offering.create_work_type(line, ProcessType.CASE, "Rework", by=admin), by=admin
    )
    made, kind = offering.create_version(process, by=admin), WorkType.objects.get(name="Check Budget")
    for number, branches in enumerate(((1, 1, 2), (1,)), start=1):
        step = offering.add_step(made, f"Step {number}", by=admin)
        for branch in branches:
            offering.add_action(step, kind, branch=branch, by=admin)
    offering.add_ad_hoc_action(made, kind, by=admin)
    return offering.set_version_state(made, VersionState.LIVE, by=admin)


@pytest.fixture
def case(version: ProcessVersion, by: Actor) -> WorkItem:
    """A running case of that version."""
    return commands.create_case(version.guid, by=by, title="Rework", submit=True)


@pytest.fixture
def finish(case: WorkItem, by: Actor) -> Callable[..., None]:
    """Resolve actions of the case by the ends of their references."""

    def resolve(*names: str) -> None:
        for name in names:
            commands.resolve(WorkItem.objects.get(reference=f"{case.reference}-{name}"), by=by)

    return resolve


def open_below(case: WorkItem) -> list[str]:
    found = WorkItem.objects.filter(parent=case.pk).exclude(status=Status.CLOSED).order_by("pk")
    return [(item.reference or "").removeprefix(f"{case.reference}-") for item in found]


def now(case: WorkItem) -> tuple[Status, StatusReason]:
    case = WorkItem.objects.get(pk=case.pk)
    return Status(case.status), StatusReason(case.status_reason)


def key_of(case: WorkItem, name: str) -> str:
    return str(NodeRun.objects.filter(item__reference=f"{case.reference}-{name}").latest("pk").node)


def test_rework_closes_what_runs_and_starts_copies(case: WorkItem, by: Actor, finish: Callable[..., None]) -> None:
    """Work-manager REW-4."""
    finish("A1.1", "A1.2", "A1.3")
    assert open_below(case) == ["A2.1"]
    with recorded() as found:
        commands.rework(case, 1, by=by)
    assert now(case) == (Status.IN_PROGRESS, StatusReason.REWORK)
    assert open_below(case) == ["A1.1-2", "A1.3-2"]
    closed = WorkItem.objects.get(reference=f"{case.reference}-A2.1")
    assert (closed.status, closed.resolution_method, closed.status_reason) == (
        Status.CLOSED,
        ResolutionMethod.REWORK,
        StatusReason.REWORK,
    )
    assert found.names == ["WorkItemUpdated", "WorkItemUpdated", "WorkItemCreated", "WorkItemCreated"]
    finish("A1.1-2", "A1.2-2", "A1.3-2", "A2.1-2")
    assert now(case)[0] == Status.CLOSED
    first = flow_of(case.guid, by=by).steps[0].nodes[0]
    assert [(one.in_pass, one.state, one.replaced_at is not None) for one in first.passes] == [
        (1, "done", True),
        (2, "done", False),
    ]
    last = flow_of(case.guid, by=by).steps[1].nodes[0]
    assert [(one.state, one.settled_at is not None) for one in last.passes] == [("stopped", True), ("done", True)]


def test_rework_from_an_action_leaves_what_does_not_follow_from_it(
    case: WorkItem, by: Actor, finish: Callable[..., None]
) -> None:
    finish("A1.3", "A1.1", "A1.2")
    action = WorkItem.objects.get(reference=f"{case.reference}-A2.1")
    commands.rework(action, 1, node=key_of(case, "A1.2"), by=by)
    assert open_below(case) == ["A1.2-2"]
    finish("A1.2-2")
    assert open_below(case) == ["A2.1-2"]


def test_rework_begins_only_where_the_case_has_been(case: WorkItem, by: Actor, finish: Callable[..., None]) -> None:
    """Work-manager REW-3."""
    finish("A1.1", "A1.2", "A1.3")
    later = key_of(case, "A2.1")
    commands.rework(case, 1, by=by)
    for step, node in ((2, None), (2, later), (0, None), (9, None)):
        with recorded() as found, pytest.raises(Conflict) as refusal:
            commands.rework(case, step, node=node, by=by)
        assert refusal.value.code == "rework_place_invalid"
        assert found.events == []


def test_rework_ends_what_was_launched_by_hand_only_where_that_is_wished(
    case: WorkItem, version: ProcessVersion, by: Actor
) -> None:
    """Work-manager REW-1."""
    ad_hoc = offering_queries.launchable(version)[0].guid
    launched = commands.launch_action(case, ad_hoc, by=by)[0]
    below = commands.launch_sub_case(case, version.guid, "Below", by=by)
    commands.rework(case, 1, by=by)
    assert [now(item)[0] for item in (launched, below)] == [Status.TO_DO, Status.IN_PROGRESS]
    commands.rework(case, 1, end_sub_cases=True, end_ad_hoc_actions=True, by=by)
    ended = WorkItem.objects.filter(pk__in=[launched.pk, below.pk]) | WorkItem.objects.filter(parent=below.pk)
    assert {(one.status, one.resolution_method) for one in ended} == {(Status.CLOSED, ResolutionMethod.REWORK)}
    assert now(case)[0] == Status.IN_PROGRESS
    assert open_below(case) == ["A1.1-3", "A1.3-3"]


def test_rework_takes_a_case_out_of_its_trouble(case: WorkItem, by: Actor) -> None:
    """Work-manager CAS-2."""
    commands.complete_unsuccessfully(WorkItem.objects.get(reference=f"{case.reference}-A1.1"), by=by)
    commands.rework(case, 1, node=key_of(case, "A1.1"), by=by)
    again = WorkItem.objects.get(pk=case.pk)
    assert (again.status, again.attention) == (Status.IN_PROGRESS, None)
    assert open_below(case) == ["A1.1-2", "A1.3-2"]


def test_rework_takes_another_period_of_the_schedule(
    version: ProcessVersion, actors: dict[str, Actor], by: Actor
) -> None:
    """Work-manager REW-1."""
    schedule = Schedule.objects.get()
    one, other = list(schedule.periods.all()[:2])
    ProcessVersion.objects.filter(pk=version.pk).update(schedule=schedule)
    case = commands.create_case(version.guid, by=by, title="x", schedule_period=one.guid, submit=True)
    commands.rework(case, 1, schedule_period=other.guid, by=by)
    copy = WorkItem.objects.get(reference=f"{case.reference}-A1.1-2")
    assert WorkItem.objects.get(pk=case.pk).schedule_period_id == copy.schedule_period_id == other.pk


def test_only_a_running_case_is_worked_again(case: WorkItem, by: Actor, first: Customer) -> None:
    ticket = commands.create_ticket(first.ticket_version.guid, by=by, title="x", category_guid=first.category.guid)
    with pytest.raises(Invalid) as refusal:
        commands.rework(ticket, 1, by=by)
    assert refusal.value.code == "not_a_case"
    commands.abort(case, by=by)
    with pytest.raises(Conflict) as refused:
        commands.rework(case, 1, by=by)
    assert refused.value.code == "case_not_running"


def test_abort_closes_everything_below_for_good(case: WorkItem, version: ProcessVersion, by: Actor) -> None:
    """Work-manager CAS-4; work-flow section 2."""
    below = commands.launch_sub_case(case, version.guid, "Below", by=by)
    apart = commands.launch_sub_case(below, version.guid, "Apart", independent=True, by=by)
    commands.complete_unsuccessfully(WorkItem.objects.get(reference=f"{case.reference}-A1.1"), by=by)
    with recorded() as found:
        ended = commands.abort(case, by=by)
    every = [ended, below, apart, *WorkItem.objects.filter(parent__in=[case, below, apart])]
    stored = WorkItem.objects.filter(pk__in=[item.pk for item in every])
    assert {item.status for item in stored} == {Status.CLOSED}
    assert {item.resolution_method for item in stored} == {
        ResolutionMethod.CANCELLED,
        ResolutionMethod.NOT_DONE_SUCCESSFULLY,
    }
    assert (ended.attention, ended.closes_on) == (None, None)
    assert {event.record_guid for event in found.events} == {
        item.guid for item in stored if item.resolution_method == ResolutionMethod.CANCELLED
    }
    told = flow_of(case.guid, by=by)
    assert (told.choices, told.waits_for) == ([], [])
    assert [step.state for step in told.steps] == ["current", "ahead"]
    assert {one.state for step in told.steps for node in step.nodes for one in node.passes} == {"failed", "stopped"}
    with pytest.raises(Conflict):
        commands.reopen(case, by=by)


def test_an_aborted_sub_case_leaves_its_case_to_its_owner(case: WorkItem, version: ProcessVersion, by: Actor) -> None:
    below = commands.launch_sub_case(case, version.guid, "Below", by=by)
    commands.abort(below, by=by)
    above = WorkItem.objects.get(pk=case.pk)
    assert now(case) == (Status.TO_DO, StatusReason.SUB_CASE_CANCELLED)
    assert above.attention == {"code": "attention.sub_case_cancelled", "parameters": {"case": below.reference}}


def test_only_a_running_case_is_aborted_and_by_who_works(case: WorkItem, by: Actor) -> None:
    with pytest.raises(Invalid):
        commands.abort(WorkItem.objects.filter(parent=case.pk)[0], by=by)
    with pytest.raises(Conflict) as refusal:
        commands.abort(commands.create_case(case.process_version.guid, by=by, title="Draft"), by=by)
    assert refusal.value.code == "case_not_running"
    with pytest.raises(Forbidden):
        commands.abort(case, by=replace(by, features=frozenset()))


def test_a_draft_is_discarded_for_good(version: ProcessVersion, by: Actor, first: Customer) -> None:
    case = commands.create_case(version.guid, by=by, title="Never mind")
    ticket = commands.create_ticket(first.ticket_version.guid, by=by)
    for draft in (case, ticket):
        with recorded() as found:
            gone = commands.discard(draft, by=by)
        assert found.names == ["WorkItemUpdated"]
        assert (gone.status, gone.resolution_method) == (Status.CLOSED, ResolutionMethod.CANCELLED)
        assert gone.closed_on is not None
        assert gone.closed_on <= clock.now()
        with pytest.raises(Conflict) as refusal:
            commands.discard(draft, by=by)
        assert refusal.value.code == "discard_not_possible"


def test_what_is_done_again_goes_to_who_did_it_else_to_who_had_it(
    case: WorkItem, by: Actor, actors: dict[str, Actor], finish: Callable[..., None]
) -> None:
    """work-manager REW-5, ASG-10."""
    admin = actors["administrator"]
    finish("A1.1", "A1.2")
    commands.take(action(case, "A1.3"), by=admin)
    commands.rework(case, 1, by=by)
    assert holders(case, "A1.1-2", "A1.3-2") == [by.user_id, admin.user_id]
    assert why(case, "A1.3-2") == ("who_gets", "same_action")
    commands.resolve(action(case, "A1.1-2"), by=admin)
    commands.rework(case, 1, by=by)
    assert holders(case, "A1.1-3", "A1.3-3") == [admin.user_id, admin.user_id]
    finish("A1.1-3")
    assert holders(case, "A1.2-3") == [by.user_id]


def test_actions_that_are_kept_with_somebody_go_there_also_when_done_again(
    case: WorkItem, by: Actor, actors: dict[str, Actor], finish: Callable[..., None]
) -> None:
    """work-manager REW-5."""
    admin = actors["administrator"]
    finish("A1.1", "A1.2")
    commands.update(case, keep_actions_with_me=True, by=admin)
    commands.rework(case, 1, by=by)
    assert holders(case, "A1.1-2", "A1.3-2") == [admin.user_id, admin.user_id]
    assert why(case, "A1.1-2") == ("who_gets", "keep")


def action(case: WorkItem, name: str) -> WorkItem:
    return WorkItem.objects.get(reference=f"{case.reference}-{name}")


def holders(case: WorkItem, *names: str) -> list[int | None]:
    return [action(case, name).assignee_id for name in names]


def why(case: WorkItem, name: str) -> tuple[str, str]:
    """The last rule that was tried for an assignee, and how it came out."""
    tried = [one for one in (action(case, name).assignment or {})["tried"] if "rule" in one["parameters"]]
    return tried[-1]["code"], tried[-1]["parameters"]["rule"]
