"""Jobs: piece by piece, none lost and none twice, whatever dies; tried again, cancelled, planned anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from hypothesis import HealthCheck, example, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import queries
from workwire.access.models import FailedLogin
from workwire.jobs import commands, kinds, running
from workwire.jobs import queries as all_jobs
from workwire.jobs.kinds import Done, Expected, JobKind, More, Piece
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, NotFound

COUNTING, OTHER, LANE = "a kind of the test", "another kind of the test", "lane of the test"
Kind = Callable[..., JobKind]


class Killed(BaseException):
    """The process ended here."""


def _count(piece: Piece, _answer: Any) -> More | Done:
    """Write one row for each number below the wanted one, a number in a piece."""
    number = piece.cursor or 0
    FailedLogin.objects.create(username=f"{piece.subject or piece.job}/{number}", address="127.0.0.1", at=clock.now())
    if number + 1 == piece.arguments["most"]:
        return Done({"counted": number + 1}, done=number + 1)
    return More(number + 1, done=number + 1, total=piece.arguments["most"])


def _written() -> list[int]:
    return sorted(int(row.username.rpartition("/")[2]) for row in FailedLogin.objects.all())


@pytest.fixture
def kind(db: None, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Register a kind of the test: one that counts, unless told otherwise."""

    def make(name: str = COUNTING, **terms: Any) -> JobKind:
        made = JobKind(**({"name": name, "lane": LANE, "handle": _count} | terms))
        monkeypatch.setitem(kinds.kinds(), name, made)  # type: ignore[arg-type]  # a dictionary underneath
        return made

    return make


def _ask(most: int = 3, *, kind: str = COUNTING, by: Actor = SYSTEM, **more: Any) -> Job:
    with transaction.atomic():
        return commands.enqueue(kind, {"most": most}, by=by, **more)


def _rest() -> int:
    """Do all that is ready; returns how many pieces that were."""
    pieces = 0
    while running.turn(LANE) == 0.0:
        pieces += 1
    return pieces


def _again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_job_is_done_piece_by_piece_and_tells_its_progress(kind: Kind) -> None:
    kind()
    job = _ask(3)
    assert (job.state, job.started_at) == (JobState.WAITING, None)
    seen = []
    while running.turn(LANE) == 0.0:
        found = _again(job)
        seen.append((found.state, found.done, found.total))
    assert seen == [("running", 1, 3), ("running", 2, 3), ("done", 3, 3)]
    found = _again(job)
    assert (found.result, found.claim, found.error_code) == ({"counted": 3}, None, "")
    assert found.started_at is not None
    assert found.ended_at is not None
    assert _written() == [0, 1, 2]


def test_a_job_belongs_to_the_transaction_that_wants_it(kind: Kind) -> None:
    kind()
    with transaction.atomic():
        commands.enqueue(COUNTING, {"most": 1}, by=SYSTEM)
        assert Job.objects.exists()
        transaction.set_rollback(True)
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_no_job_is_asked_for(kind: Kind) -> None:
    kind()
    with pytest.raises(transaction.TransactionManagementError):
        commands.enqueue(COUNTING, {"most": 1}, by=SYSTEM)


def test_a_job_begins_at_its_moment(kind: Kind) -> None:
    kind()
    with clock.frozen(clock.now()) as advance:
        _ask(1, after=timedelta(seconds=30))
        assert running.turn(LANE) == running.POLL
        advance(timedelta(seconds=29.5))
        assert running.turn(LANE) == 0.5
        advance(timedelta(seconds=0.5))
        assert _rest() == 1


def test_jobs_of_a_lane_take_turns_by_piece(kind: Kind) -> None:
    kind()
    with clock.frozen(clock.now()) as advance:
        long = _ask(100)
        advance(timedelta(seconds=1))
        quick = _ask(2)
        for _ in range(4):
            advance(timedelta(seconds=1))
            assert running.turn(LANE) == 0.0
    assert (_again(long).done, _again(quick).state) == (2, JobState.DONE)


def test_a_claim_is_left_alone_until_its_lease_is_over(kind: Kind) -> None:
    terms = kind()
    job = _ask(2)
    with clock.frozen(clock.now()) as advance:
        assert running.claim(LANE) == job
        assert running.claim(LANE) is None
        assert _rest() == 0
        advance(terms.lease)
        assert _rest() == 2
    assert _written() == [0, 1]


def test_a_worker_that_lost_its_lease_writes_nothing(kind: Kind) -> None:
    terms = kind()
    _ask(2)
    with clock.frozen(clock.now()) as advance:
        slow = running.claim(LANE)
        assert slow is not None
        advance(terms.lease)
        assert running.turn(LANE) == 0.0
        running.carry_on(slow, terms)
        assert _written() == [0]
        assert _rest() == 1
    assert _written() == [0, 1]


def test_a_failure_of_a_worker_that_lost_its_lease_is_none_of_the_job(kind: Kind) -> None:
    terms = kind(outward=mock.Mock(side_effect=ValueError))
    job = _ask(2)
    with clock.frozen(clock.now()) as advance:
        slow = running.claim(LANE)
        assert slow is not None
        advance(terms.lease)
        other = running.claim(LANE)
        assert other is not None
        running.carry_on(slow, terms)
    assert (_again(job).claim, _again(job).error_code) == (other.claim, "")


@given(
    kills=st.lists(st.sampled_from(["claimed", "outward", "handled", "written"]), max_size=6), most=st.integers(1, 5)
)
@example(kills=["written", "claimed", "handled", "outward"], most=3)
@example(kills=["handled"] * 5, most=1)
@example_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_piece_is_lost_and_none_is_written_twice_wherever_a_worker_is_killed(
    kind: Kind, kills: list[str], most: int
) -> None:
    """A worker is killed at any point of any piece; the next one goes on exactly where the last committed piece ended."""
    left = list(kills)

    def at(point: str) -> None:
        if left and left[0] == point:
            left.pop(0)
            raise Killed

    def handle(piece: Piece, answer: Any) -> More | Done:
        outcome = _count(piece, answer)
        at("handled")
        return outcome

    terms = kind(handle=handle, outward=lambda _piece: at("outward"))
    FailedLogin.objects.all().delete()
    Job.objects.all().delete()
    job = _ask(most)
    with clock.frozen(clock.now()) as advance:
        for _ in range(len(kills) + most):
            try:
                with transaction.atomic():  # what a killed process had not committed is gone
                    claimed = running.claim(LANE)
                if claimed is None:
                    break
                at("claimed")
                running.carry_on(claimed, terms)
                at("written")
            except Killed:
                advance(terms.lease)
    while _again(job).state != JobState.DONE:
        assert _rest() > 0
    assert _written() == list(range(most))
    assert _again(job).done == most


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_jobs_and_write_each_piece_once(kind: Kind) -> None:
    kind()
    asked = [_ask(4, subject=ids.new_guid()) for _ in range(6)]
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while Job.objects.filter(state__in=("waiting", "running")).exists():
                running.turn(LANE)
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {_again(job).state for job in asked} == {JobState.DONE}
    names = list(FailedLogin.objects.values_list("username", flat=True))
    assert len(names) == len(set(names)) == 24


def test_a_failing_job_is_tried_again_with_growing_pauses_and_holds_up_no_other(kind: Kind) -> None:
    told = mock.Mock()
    terms = kind(OTHER, handle=mock.Mock(side_effect=Expected("amount_wrong", "The amount is wrong.")), on_failure=told)
    kind()
    bad = _ask(kind=OTHER)
    with clock.frozen(clock.now()) as advance:
        good = _ask(2)
        assert _rest() == 3
        assert _again(good).state == JobState.DONE
        pauses = []
        while (found := _again(bad)).state == JobState.WAITING:
            assert (found.error_code, found.error_text) == ("amount_wrong", "The amount is wrong.")
            assert _rest() == 0
            pauses.append(found.ready_at - clock.now())
            advance(pauses[-1])
            assert _rest() == 1
    assert pauses == list(terms.pauses) == sorted(pauses)
    assert (found.state, found.tries, found.error_code) == (JobState.FAILED, len(terms.pauses) + 1, "amount_wrong")
    assert found.ended_at is not None
    assert [call.args[2] is None for call in told.call_args_list] == [False] * len(pauses) + [True]


def test_a_failure_takes_back_what_its_piece_wrote_and_the_next_try_begins_there(kind: Kind) -> None:
    trips = [False, True, False, False]

    def handle(piece: Piece, answer: Any) -> More | Done:
        outcome = _count(piece, answer)
        if trips.pop(0):
            raise LookupError("a secret of ours")
        return outcome

    kind(handle=handle)
    job = _ask(3)
    with clock.frozen(clock.now()) as advance:
        assert _rest() == 2
        found = _again(job)
        assert (found.done, found.state, found.error_code) == (1, JobState.WAITING, "unexpected")
        assert "secret" not in found.error_text
        advance(timedelta(seconds=2))
        assert _rest() == 2
    found = _again(job)
    assert (found.state, found.error_code, found.error_text) == (JobState.DONE, "", "")
    assert _written() == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_a_piece_costs_a_try_and_one_that_is_away_is_told(kind: Kind) -> None:
    kind(handle=mock.Mock(side_effect=OperationalError("canceling statement due to statement timeout")))
    job = _ask()
    assert running.turn(LANE) == 0.0
    assert _again(job).state == JobState.WAITING
    Job.objects.update(ready_at=clock.now())
    gone = mock.patch.object(running, "_still_held", side_effect=OperationalError("gone"))
    with gone, pytest.raises(OperationalError):
        running.turn(LANE)


def test_a_job_whose_workers_die_of_it_fails_in_the_end(kind: Kind) -> None:
    terms = kind(pauses=(timedelta(seconds=1), timedelta(seconds=1)))
    job = _ask()
    with clock.frozen(clock.now()) as advance:
        for _ in range(3):
            assert running.claim(LANE) is not None
            advance(terms.lease)
        assert _rest() == 1
    found = _again(job)
    assert (found.state, found.error_code) == (JobState.FAILED, "worker_lost")
    assert _written() == []


def test_a_room_that_trips_over_a_failure_does_not_hide_it(kind: Kind) -> None:
    kind(handle=mock.Mock(side_effect=LookupError), on_failure=mock.Mock(side_effect=KeyError))
    job = _ask()
    assert _rest() == 1
    assert (_again(job).state, _again(job).error_code) == (JobState.WAITING, "unexpected")


def test_what_is_done_outward_has_no_transaction_open_and_its_answer_is_handled(
    kind: Kind, transactional_db: None
) -> None:
    answers: list[Any] = []

    def outward(_piece: Piece) -> str:
        assert not connection.in_atomic_block
        return "250 OK"

    def handle(_piece: Piece, answer: Any) -> Done:
        assert connection.in_atomic_block
        answers.append(answer)
        return Done()

    kind(outward=outward, handle=handle)
    _ask()
    assert _rest() == 1
    assert answers == ["250 OK"]


def test_cancelling_takes_effect_at_the_next_piece_and_is_an_event(kind: Kind, actors: dict[str, Actor]) -> None:
    told = mock.Mock()
    kind(on_cancel=told)
    by = actors["team member"]
    job = _ask(5, by=by)
    assert running.turn(LANE) == 0.0
    with recorded() as found:
        access.cancel_job(job.guid, by=by)
        access.cancel_job(job.guid, by=by)
    assert (found.only.name, found.only.actor_id, found.only.record_guid) == ("JobCancelled", by.user_id, job.guid)
    assert _again(job).state == JobState.RUNNING
    assert _rest() == 1
    ended = _again(job)
    assert (ended.state, ended.done, ended.ended_at is not None) == (JobState.CANCELLED, 1, True)
    assert told.call_args.args[0].job == job.guid
    with pytest.raises(Conflict):
        access.cancel_job(job.guid, by=by)
    assert _written() == [0]


def test_a_job_that_waits_long_is_cancelled_at_once_and_one_under_way_after_its_piece(
    kind: Kind, actors: dict[str, Actor]
) -> None:
    kind()
    by = actors["administrator"]
    waiting, claimed = _ask(5, after=timedelta(days=1)), _ask(5)
    held = running.claim(LANE)
    assert held == claimed
    for job in (waiting, claimed):
        access.cancel_job(job.guid, by=by)
    assert _rest() == 1
    assert (_again(waiting).state, _again(claimed).state) == (JobState.CANCELLED, JobState.RUNNING)
    running.carry_on(held, kinds.kinds()[COUNTING])
    assert _again(claimed).state == JobState.CANCELLED
    assert _written() == []


def test_who_asked_for_a_job_sees_it_and_administrators_see_all(kind: Kind, actors: dict[str, Actor]) -> None:
    kind()
    mine, of_system = _ask(by=actors["team member"]), _ask()
    assert list(queries.jobs(by=actors["team member"])) == [mine]
    assert set(queries.jobs(by=actors["administrator"])) == {mine, of_system}
    for job, by in ((of_system, "team member"), (mine, "integrator")):
        with pytest.raises(NotFound):
            queries.job(job.guid, by=actors[by])
        with pytest.raises(NotFound):
            access.cancel_job(job.guid, by=actors[by])
    assert _again(of_system).cancel_asked_at is None


def test_a_record_has_one_job_of_a_kind_that_has_not_ended(kind: Kind) -> None:
    kind()
    subject = ids.new_guid()
    _ask(1, subject=subject)
    with pytest.raises(IntegrityError):
        _ask(1, subject=subject)
    assert _rest() == 1
    _ask(1, subject=subject)
    assert _rest() == 1


def test_what_waits_for_a_record_is_hastened_when_the_record_changes(kind: Kind) -> None:
    subject = ids.new_guid()
    kind(handle=lambda piece, _answer: Done() if piece.cursor else More(True, after=timedelta(hours=1)))
    job = _ask(subject=subject)
    assert _rest() == 1
    assert running.turn(LANE) == running.POLL
    assert commands.hasten(COUNTING, [subject]) == 1
    assert _rest() == 1
    assert _again(job).state == JobState.DONE
    assert commands.hasten(COUNTING, [subject]) == 0


def test_a_standing_job_is_planned_once_and_anew_after_every_run(kind: Kind) -> None:
    kind(
        handle=lambda piece, _answer: More(1, done=1) if piece.cursor is None else Done({"n": 2}, 2),
        every=timedelta(hours=1),
    )
    with clock.frozen(clock.now()) as advance:
        commands.plan(LANE)
        commands.plan(LANE)
        job = Job.objects.get(kind=COUNTING)
        assert (job.standing, job.asked_by, job.lane) == (True, None, LANE)
        for _ in range(2):
            begun = clock.now()
            assert _rest() == 2
            job = _again(job)
            assert (job.state, job.started_at, job.ended_at, job.done) == (JobState.WAITING, begun, begun, 2)
            assert job.ready_at == begun + timedelta(hours=1)
            advance(timedelta(hours=1))
    with pytest.raises(Conflict):
        commands.cancel(job.guid, by=SYSTEM)


def test_a_standing_job_that_fails_keeps_its_error_and_is_planned_anew(kind: Kind) -> None:
    failing = [True, True, False]

    def handle(_piece: Piece, _answer: Any) -> Done:
        if failing.pop(0):
            raise Expected("broken", "It is broken.")
        return Done()

    kind(handle=handle, every=timedelta(hours=1), pauses=(timedelta(seconds=2),))
    with clock.frozen(clock.now()) as advance:
        commands.plan(LANE)
        job = Job.objects.get(kind=COUNTING)
        assert _rest() == 1
        advance(timedelta(seconds=2))
        assert _rest() == 1
        given_up = _again(job)
        assert (given_up.state, given_up.error_code, given_up.tries) == (JobState.WAITING, "broken", 0)
        assert given_up.ready_at == clock.now() + timedelta(hours=1)
        assert all_jobs.health(clock.now()).failing == {COUNTING: 1}
        advance(timedelta(hours=1))
        assert _rest() == 1
    assert _again(job).error_code == ""
    assert all_jobs.health(clock.now()).failing == {}


def test_a_standing_job_waits_no_longer_than_a_new_release_says(kind: Kind) -> None:
    kind(handle=lambda *_: Done(), every=timedelta(days=1))
    with clock.frozen(clock.now()):
        commands.plan(LANE)
        assert _rest() == 1
        kind(handle=lambda *_: Done(), every=timedelta(minutes=1), lane="another")
        commands.plan("another")
        job = Job.objects.get(kind=COUNTING)
        assert (job.ready_at, job.lane) == (clock.now() + timedelta(minutes=1), "another")


def test_a_kind_may_stop_being_a_standing_one_and_become_one_again(kind: Kind) -> None:
    kind(handle=lambda *_: Done(), every=timedelta(days=1))
    with clock.frozen(clock.now()) as advance:
        commands.plan(LANE)
        advance(timedelta(days=1))
        kind(handle=lambda *_: Done())
        commands.plan(LANE)
        assert _rest() == 1
        assert Job.objects.get(kind=COUNTING).state == JobState.DONE
        assert not all_jobs.standing().filter(kind=COUNTING).exists()
        kind(handle=lambda *_: Done(), every=timedelta(days=1))
        commands.plan(LANE)
        assert _rest() == 1
        assert all_jobs.standing().get(kind=COUNTING).ready_at == clock.now() + timedelta(days=1)


def test_what_is_not_done_here_waits_without_being_late(kind: Kind) -> None:
    mail_server: list[str] = []
    kind(is_done_here=lambda: bool(mail_server))
    job = _ask(1, after=-timedelta(days=1))
    assert LANE not in kinds.lanes()
    assert LANE not in all_jobs.health(clock.now()).overdue
    mail_server.append("there is one now")
    assert LANE in kinds.lanes()
    assert LANE in all_jobs.health(clock.now()).overdue
    assert _rest() == 1
    assert _again(job).state == JobState.DONE


def test_a_kind_of_a_newer_release_is_left_alone(kind: Kind) -> None:
    kind()
    newer = Job.objects.create(kind="of a newer release", lane=LANE, ready_at=clock.now() - timedelta(days=1))
    known = _ask(1)
    assert _rest() == 1
    assert _again(known).state == JobState.DONE
    assert (_again(newer).state, _again(newer).tries) == (JobState.WAITING, 0)
    assert all_jobs.health(clock.now()).overdue == {}


def test_what_an_older_release_did_not_ask_for_is_completed(kind: Kind) -> None:
    one, two = ids.new_guid(), ids.new_guid()
    now = clock.now()
    kind(handle=lambda *_: Done(), wanted=lambda: [kinds.Wanted(guid, None, now) for guid in (one, two)])
    _ask(subject=one)
    assert commands.complete(LANE) == 1
    assert commands.complete(LANE) == 0
    assert {job.subject for job in Job.objects.filter(kind=COUNTING)} == {one, two}


def test_jobs_that_ended_are_forgotten_after_their_time(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    kind()
    old = [_ask(1) for _ in range(5)]
    assert _rest() == 5
    commands.plan("upkeep")
    with clock.frozen(clock.now()) as advance:
        advance(timedelta(days=settings.CONFIG.job_retention_days, seconds=1))
        fresh, waiting = _ask(1), _ask(1, after=timedelta(days=1))
        assert _rest() == 1
        monkeypatch.setitem(kinds.kinds(), running.FORGET, running.FORGETTING)  # type: ignore[arg-type]  # it is a plain dictionary
        Job.objects.exclude(kind__in=(COUNTING, running.FORGET)).delete()
        while running.turn("upkeep") == 0.0:
            pass
    left = set(Job.objects.filter(kind=COUNTING))
    assert left == {fresh, waiting}
    assert not left & set(old)
    assert Job.objects.get(kind=running.FORGET).result == {"removed": 5}


def test_the_one_worker_of_an_embedded_database_goes_on_at_once(kind: Kind) -> None:
    kind()
    job = _ask(2)
    assert running.claim(LANE) is not None
    running.free(LANE)
    assert _rest() == 2
    assert _again(job).state == JobState.DONE


def test_the_health_of_jobs_tells_what_is_late_failing_and_failed(kind: Kind) -> None:
    kind(pauses=(), handle=mock.Mock(side_effect=LookupError))
    kind(OTHER, handle=mock.Mock(side_effect=LookupError))
    _ask()
    _ask(kind=OTHER)
    assert _rest() == 2
    _ask(after=-timedelta(minutes=5))
    found = all_jobs.health(clock.now())
    assert (found.failed, found.failing) == ({COUNTING: 1}, {OTHER: 1})
    assert 299 < found.overdue[LANE] < 400
    assert all_jobs.health(clock.now() + timedelta(days=2)).failed == {}
