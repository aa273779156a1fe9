"""Time sessions (work-manager TIM-1 … TIM-3): one clock of a person runs, corrections keep what was counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features
from workwire.jobs import timers
from workwire.jobs.models import Timer
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from workwire.rooms.effort import commands, queries
from workwire.rooms.effort.models import TimeCorrection, TimeSession
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.models import WorkItem

Pass = Callable[[int], None]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def leader(actors: dict[str, Actor]) -> Actor:
    """Who may give work to others."""
    return actors["administrator"]


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Move the clock on by some seconds; it moves by nothing else."""
    now = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def pass_by(seconds: int) -> None:
        now[0] += timedelta(seconds=seconds)

    return pass_by


@pytest.fixture
def ticket(by: Actor, first: Customer) -> WorkItem:
    """A ticket of the first customer."""
    return _ticket(by, first)


def _ticket(by: Actor, customer: Customer) -> WorkItem:
    return work.create_ticket(
        customer.ticket_version.guid, by=by, title="Invoice", category_guid=customer.category.guid, submit=True
    )


def _refused(deed: Callable[[], object], kind: type[DomainError], code: str) -> None:
    with recorded() as found, pytest.raises(kind) as refusal:
        deed()
    assert refusal.value.code == code
    assert not found.events


def test_a_clock_starts_pauses_goes_on_and_stops(ticket: WorkItem, by: Actor, time_passes: Pass) -> None:
    """work-manager TIM-1, TIM-2."""
    session = commands.start(ticket, by=by)
    time_passes(60)
    assert commands.start(ticket, by=by).pk == session.pk  # which runs already
    paused = commands.pause(session, by=by)
    time_passes(600)
    assert (queries.seconds(paused), paused.running_since, paused.ended_at) == (60, None, None)
    assert commands.start(ticket, by=by).pk == session.pk
    time_passes(30)
    ended = commands.stop(session, by=by)
    assert (queries.counted(ended), queries.seconds(ended), ended.running_since) == (90, 90, None)
    _refused(lambda: commands.pause(session, by=by), Conflict, "session_ended")
    assert commands.start(ticket, by=by).pk != session.pk


def test_time_is_no_change_of_the_item_and_no_webhook_tells_of_it(ticket: WorkItem, by: Actor) -> None:
    with recorded() as found:
        session = commands.start(ticket, by=by)
        commands.pause(session, by=by)
        commands.pause(session, by=by)  # changes nothing
        commands.correct(session, 5, by=by)
        commands.correct(session, 5, by=by)  # changes nothing
        commands.stop(session, by=by)
    assert found.names == ["TimeSessionStarted", "TimeSessionPaused", "TimeSessionCorrected", "TimeSessionEnded"]
    assert items.item(ticket.guid, by=by).version == ticket.version
    assert [event.name for event in items.history(ticket.guid, by=by)][-4:] == found.names


def test_of_a_person_one_clock_runs_at_a_time(
    ticket: WorkItem, by: Actor, leader: Actor, first: Customer, time_passes: Pass
) -> None:
    """work-manager TIM-1."""
    here = commands.start(ticket, by=by)
    of_another = commands.start(ticket, by=leader)
    time_passes(10)
    there = commands.start(_ticket(by, first), by=by)
    time_passes(10)
    assert queries.seconds(queries.session(here.guid, by=by)) == 10
    assert list(queries.own(by=by, running=True)) == [there]
    assert set(queries.own(by=by)) == {here, there}
    assert queries.seconds(queries.session(of_another.guid, by=by)) == 20


def test_the_clock_runs_in_any_state_and_takes_nothing(ticket: WorkItem, by: Actor) -> None:
    """work-manager TIM-1, ASG-35."""
    commands.start(ticket, by=by)
    assert items.item(ticket.guid, by=by).assignee_id is None
    work.resolve(ticket, by=by)
    assert commands.start(ticket, by=by).running_since is not None


def test_a_correction_is_a_row_and_what_is_counted_afterwards_is_added(
    ticket: WorkItem, by: Actor, time_passes: Pass
) -> None:
    """work-manager TIM-2, TIM-3: the raw time is kept."""
    session = commands.start(ticket, by=by)
    time_passes(3600)
    corrected = commands.correct(session, 600, by=by)
    time_passes(60)
    ended = commands.stop(session, by=by)
    assert queries.seconds(corrected) == queries.seconds(ended) == 660
    assert queries.counted(ended) == 3660
    commands.correct(session, 0, by=by)
    rows = TimeCorrection.objects.order_by("pk").values_list("seconds", "counted_seconds", "corrected_by")
    assert list(rows) == [(600, 3600, by.user_id), (0, 3660, by.user_id)]
    spent = queries.time_spent(ticket)
    assert (spent.counted, spent.corrected) == (3660, 0)
    _refused(lambda: commands.correct(session, 32 * 24 * 3600, by=by), Invalid, "time_invalid")


def test_the_time_of_others_is_corrected_by_who_leads_them(
    ticket: WorkItem, by: Actor, leader: Actor, organisation: Organisation, first: Customer
) -> None:
    """work-manager TIM-2."""
    member, chief = organisation.accounts["team member"].user, organisation.accounts["administrator"].user
    work.update_queue(first.queue, members=[], managers=[], by=leader)
    session = commands.stop(commands.start(ticket, by=by), by=by)
    _refused(lambda: commands.correct(session, 60, by=leader), Forbidden, "time_of_other")
    access.set_manager(member, chief, by=leader)
    assert queries.last_correction(commands.correct(_again(session, by), 60, by=leader)) is not None
    access.set_manager(member, None, by=leader)
    _refused(lambda: commands.correct(_again(session, by), 70, by=leader), Forbidden, "time_of_other")
    work.update_queue(first.queue, members=[member], managers=[chief], by=leader)
    assert queries.seconds(commands.correct(_again(session, by), 70, by=leader)) == 70
    gives_no_work = replace(leader, features=leader.features - {features.ASSIGN_WORK})
    _refused(lambda: commands.correct(_again(session, by), 80, by=gives_no_work), Forbidden, "time_of_other")


def test_nobody_runs_the_clock_of_another(ticket: WorkItem, by: Actor, leader: Actor) -> None:
    session = commands.start(ticket, by=by)
    _refused(lambda: commands.pause(session, by=leader), Forbidden, "time_of_other")
    _refused(lambda: commands.stop(session, by=leader), Forbidden, "time_of_other")
    _refused(lambda: commands.start(ticket, by=SYSTEM), Forbidden, "system_does_not_work")


def test_the_time_of_a_robot_is_read_only(
    ticket: WorkItem, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    """work-manager TIM-2."""
    robot = next(actor for actor in actors.values() if actor.user_type == UserType.ROBOT)
    session = commands.stop(commands.start(ticket, by=robot), by=robot)
    for someone in (robot, actors["administrator"]):
        _refused(lambda by=someone: commands.correct(session, 1, by=by), Forbidden, "time_of_robot")  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def test_a_forgotten_clock_ends_at_the_bound(
    ticket: WorkItem, by: Actor, time_passes: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bound(monkeypatch, 2)
    session = commands.start(ticket, by=by)
    time_passes(3600)
    assert timers.turn(clock.now()) == 0
    time_passes(5 * 3600)  # when the worker comes to it
    with recorded() as found:
        assert timers.turn(clock.now()) == 1
    assert (found.names, found.events[0].actor_id) == (["TimeSessionEnded"], None)
    ended = _again(session, by)
    assert (ended.forgotten, queries.seconds(ended)) == (True, 2 * 3600)
    assert not Timer.objects.exists()


def test_a_clock_that_paused_is_not_forgotten_and_a_raised_bound_counts(
    ticket: WorkItem, by: Actor, time_passes: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bound(monkeypatch, 2)
    session = commands.pause(commands.start(ticket, by=by), by=by)
    assert not Timer.objects.filter(kind=commands.FORGOTTEN).exists()
    _refused(lambda: _end_forgotten(session), Conflict, "session_stands_still")
    _refused(lambda: commands.end_forgotten(session, by=by), Forbidden, "system_only")
    commands.start(ticket, by=by)
    _bound(monkeypatch, 4)
    time_passes(3 * 3600)
    assert timers.turn(clock.now()) == 1
    assert _again(session, by).running_since is not None
    time_passes(2 * 3600)
    assert timers.turn(clock.now()) == 1
    assert queries.seconds(_again(session, by)) == 4 * 3600


def test_timers_of_running_clocks_can_be_told_from_the_rows(ticket: WorkItem, by: Actor) -> None:
    session = commands.start(ticket, by=by)
    (before,) = Timer.objects.filter(kind=commands.FORGOTTEN).values_list("subject", "due_at")
    Timer.objects.all().delete()
    timers.complete()
    assert Timer.objects.filter(kind=commands.FORGOTTEN).values_list("subject", "due_at")[0] == before
    assert before[0] == session.guid


def test_time_is_seen_by_who_works_on_the_item_and_ones_own_always(
    ticket: WorkItem, by: Actor, leader: Actor, second: Customer, first: Customer, organisation: Organisation
) -> None:
    session = commands.start(ticket, by=by)
    served = replace(by, features=frozenset({features.SELF_SERVICE}))
    assert not queries.sessions_of(ticket, by=served)
    with pytest.raises(NotFound):
        queries.session(session.guid, by=served)
    with pytest.raises(Forbidden):
        queries.own(by=served)
    hidden = replace(by, user_id=0)  # an account that sees nothing
    with pytest.raises(NotFound):
        queries.session(session.guid, by=hidden)
    access.change_members(first.group, remove=[organisation.accounts["team member"].user], by=leader)
    assert queries.session(session.guid, by=by) == session
    assert commands.stop(session, by=by).ended_at is not None
    with pytest.raises(NotFound):
        commands.start(ticket, by=by)


def _again(session: TimeSession, by: Actor) -> TimeSession:
    return queries.session(session.guid, by=by)


def _end_forgotten(session: TimeSession) -> None:
    with transaction.atomic():
        commands.end_forgotten(session, by=SYSTEM)


def _bound(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    configured = settings.CONFIG.model_copy(update={"longest_session_hours": hours})
    monkeypatch.setattr(settings, "CONFIG", configured)
