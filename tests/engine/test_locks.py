"""Transactions beside each other on PostgreSQL: who waits for whom, and what becomes of one that had to give way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, NotSupportedError, OperationalError, connection, transaction

from tests.conftest import ON_POSTGRES
from tests.support.beside import Beside, wait_until, waits_for_a_lock
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.jobs import commands as jobs
from workwire.jobs import running, timers
from workwire.jobs.models import OPEN, Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox.models import Pending
from workwire.reactions.webhooks import commands, fanning, preparing, queue, replays, settling, sql
from workwire.reactions.webhooks.models import Attempt, Delivery, Lane, Queued, ReplayState, State, Subscription
from workwire.reactions.webhooks.settling import Outcome
from workwire.rooms.work.commands.changing import locked
from workwire.rooms.work.models import Status, WaitType, WorkItem
from workwire.worker.delivery.engine import Engine

pytestmark = [
    pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database lets one write at a time"),
    pytest.mark.django_db(transaction=True),
]
Open = Callable[..., WorkItem]


@pytest.fixture
def beside() -> Iterator[Beside]:
    """Threads that have ended when the test has."""
    with ThreadPoolExecutor(3) as pool:
        yield Beside(pool)


@contextmanager
def _held(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Whoever calls a function waits when it has been carried out: events say that it was, and that it may go on."""
    done, go_on, work = threading.Event(), threading.Event(), getattr(module, name)

    def hold(*args: Any, **named: Any) -> Any:
        result = work(*args, **named)
        done.set()
        assert go_on.wait(10)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, hold)
        try:
            yield done, go_on
        finally:
            go_on.set()


def _failed(engine: Engine, subscription: Subscription) -> list[Outcome]:
    """Outcomes of all that waits for a subscription, claimed and failed."""
    now = clock.now()
    fanning.fan_out(now)
    claimed = queue.claim(engine.guid, now, Lane.FRESH, [(subscription.pk, 10)], until=now + timedelta(minutes=1))
    return [Outcome(one, now, 0.1, 500) for one in preparing.prepare(claimed, {subscription.pk}, now)]


def test_settling_waits_for_an_unsubscribe_without_being_in_its_way(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    actors: dict[str, Actor],
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    failed, cancel_all, begun = _failed(engine, subscription), queue.cancel_all, list[Future[Any]]()

    def settle_meanwhile(*args: Any) -> int:
        begun.append(beside.start_and_block(lambda: settling.settle(engine.guid, failed, clock.now())))
        sql.run("SET LOCAL lock_timeout = '3s'")
        return cancel_all(*args)

    monkeypatch.setattr(queue, "cancel_all", settle_meanwhile)
    commands.unsubscribe(subscription.guid, by=actors["integrator"])
    begun[0].result(10)
    assert not Queued.objects.exists()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, Attempt.objects.count()) == (State.CANCELLED, 1, 1)


def test_unsubscribing_waits_for_settling_and_ends_what_was_put_off(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    actors: dict[str, Actor],
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    failed = _failed(engine, subscription)
    with _held(monkeypatch, queue, "retry") as (settled, go_on):
        settling_it = beside.start(lambda: settling.settle(engine.guid, failed, clock.now()))
        assert settled.wait(10)
        ending = beside.start_and_block(lambda: commands.unsubscribe(subscription.guid, by=actors["integrator"]))
        go_on.set()
        settling_it.result(10)
        ending.result(10)
    assert not Queued.objects.exists()
    assert Delivery.objects.get().state == State.CANCELLED


def test_what_a_fan_out_writes_beside_an_unsubscribe_is_cancelled_when_it_is_claimed(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    actors: dict[str, Actor],
    beside: Beside,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fanning.fan_out(clock.now())
    subscription, _ = subscribe()
    open_ticket()
    with _held(monkeypatch, queue, "add") as (written, go_on):
        fanned = beside.start(lambda: fanning.fan_out(clock.now()))
        assert written.wait(10)
        commands.unsubscribe(subscription.guid, by=actors["integrator"])  # waits for nobody
        assert not fanned.done()
        go_on.set()
        assert fanned.result(10) == 1
    assert Queued.objects.count() == 1
    engine.drain()
    assert not receiver.requests
    assert Delivery.objects.get().state == State.CANCELLED


def test_a_backfill_ends_behind_a_fan_out_that_did_not_see_its_subscription(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    actors: dict[str, Actor],
    beside: Beside,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event still pending is left to fan-out; one that this fan-out passed over must not be."""
    fanning.fan_out(clock.now())
    started = clock.now()
    ticket = open_ticket()
    with _held(monkeypatch, queue, "add") as (matched, go_on):
        fanned = beside.start(lambda: fanning.fan_out(clock.now()))
        assert matched.wait(10)
        subscription, _ = subscribe()
        replays.backfill(subscription.guid, by=actors["integrator"], since=started)
        assert Pending.objects.exists()
        turned = beside.start_and_block(lambda: running.turn(replays.LANE))
        go_on.set()
        assert fanned.result(10) == 1
        turned.result(10)
    engine.drain()
    assert [request.json()["GUID"] for request in receiver.requests] == [str(ticket.guid)]


def test_of_two_who_resume_a_failed_replay_at_once_one_is_told_that_it_runs(
    subscribe: Subscribe, actors: dict[str, Actor], beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder, (subscription, _) = actors["integrator"], subscribe()
    asked = replays.replay(subscription.guid, by=builder, since=clock.now())
    replays.pause(asked.guid, by=builder)
    Job.objects.filter(subject=asked.guid).update(state=JobState.FAILED)
    with _held(monkeypatch, jobs, "ensure") as (ensured, go_on):
        first = beside.start(lambda: replays.resume(asked.guid, by=builder))
        assert ensured.wait(10)
        second = beside.start_and_block(lambda: replays.resume(asked.guid, by=builder))
        go_on.set()
        assert first.result(10).state == ReplayState.RUNNING
        with pytest.raises(Conflict) as refused:
            second.result(10)
    assert refused.value.code == "replay_not_paused"
    assert Job.objects.filter(OPEN, subject=asked.guid).count() == 1


def test_a_settling_that_must_give_way_is_made_again_as_it_was(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, beside: Beside, receiver: Receiver
) -> None:
    """A real deadlock: it holds the subscription and wants the queue, another one the other way round."""
    receiver.script("/hook", status=500, times=1)
    subscription, _ = subscribe()
    for _ in range(3):
        open_ticket()
    fanning.fan_out(clock.now())
    engine.step()
    receiver.wait_for(3)
    wait_until(lambda: engine.answers.not_looked_at == 3)
    Subscription.objects.filter(pk=subscription.pk).update(access_lost_at=clock.now())  # so that all outcomes lock it
    held = threading.Event()

    @transaction.atomic
    def other_way_round() -> None:
        sql.run("SET LOCAL deadlock_timeout = '20s'")  # so that it is the other one that is chosen
        sql.run("SELECT 1 FROM webhooks_queued FOR UPDATE")
        held.set()
        wait_until(waits_for_a_lock)
        sql.run("SELECT 1 FROM webhooks_subscription FOR UPDATE")

    other = beside.start(other_way_round)
    assert held.wait(10)
    for flight in engine.unsettled.in_flight.values():
        flight.delivery.to.access_lost_at = clock.now()
    with pytest.raises(OperationalError) as gave_way:
        engine.step()
    assert isinstance(gave_way.value.__cause__, psycopg.errors.DeadlockDetected)
    assert sql.is_away(gave_way.value)
    other.result(10)
    assert not Attempt.objects.exists()
    with clock.frozen(clock.now()) as advance:
        engine.drain()
        assert sorted(row.status or 0 for row in Attempt.objects.all()) == [204, 204, 500]
        place = Queued.objects.get()
        assert (place.tries, place.lane, place.claimed_by) == (1, Lane.RETRY, None)
        advance(timedelta(days=1))
        engine.drain()
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DELIVERED}
    assert len(receiver.requests) == 4


def test_who_must_give_way_waits_and_tries_again(db: None) -> None:
    for error in (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
        psycopg.errors.LockNotAvailable,
    ):
        with pytest.raises(DatabaseError) as told, connection.wrap_database_errors:
            raise error
        assert sql.is_away(told.value)


def test_a_plan_that_a_migration_outdated_goes_with_its_session() -> None:
    sql.run("CREATE TABLE outdated (one integer)")
    try:
        sql.run("INSERT INTO outdated VALUES (1)")
        assert sql.rows("SELECT * FROM outdated") == [(1,)]
        with psycopg.connect(**_parameters()) as other:
            other.execute("ALTER TABLE outdated ALTER one TYPE text, ADD two integer")
        with pytest.raises(NotSupportedError) as told:
            sql.rows("SELECT * FROM outdated")
        assert sql.is_away(told.value)
        assert connection.connection is None
        assert sql.rows("SELECT * FROM outdated") == [("1", None)]
    finally:
        sql.run("DROP TABLE outdated")


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name not in ("cursor_factory", "context")}


def test_timers_pass_over_what_somebody_holds_and_wait_for_it_alone(
    beside: Beside, open_ticket: Open, actors: dict[str, Actor]
) -> None:
    by, soon = actors["team member"], clock.now() + timedelta(hours=1)
    held, free = open_ticket(), open_ticket()
    waiting = {"status": Status.WAITING, "wait_type": WaitType.DATE, "wait_until": soon}
    for item in (held, free):
        WorkItem.objects.filter(pk=item.pk).update(**waiting)
        timers.set_timer("work.wait", item.guid, soon)

    def status_of(item: WorkItem) -> int:
        return WorkItem.objects.values_list("status", flat=True).get(pk=item.pk)

    with clock.frozen(soon):
        with transaction.atomic():
            locked(held.pk, by=by)
            turned = beside.start_and_block(lambda: timers.turn(soon))
            assert status_of(free) == Status.TO_DO
            assert status_of(held) == Status.WAITING
        assert turned.result(10) == 2
    assert status_of(held) == Status.TO_DO
