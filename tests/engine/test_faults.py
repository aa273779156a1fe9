"""What is wrong with one delivery, one lane or the database for a while: the others go on, and nothing comes back for ever."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.db import DatabaseError, DataError, InterfaceError, InternalError, OperationalError

from tests.conftest import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.checks import stored
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.outbox.models import Event
from workwire.reactions.webhooks import fanning, queries, queue, rights, settling, sql
from workwire.reactions.webhooks.models import Attempt, Delivery, Lane, Queued, State, Subscription
from workwire.reactions.webhooks.rights import Content
from workwire.reactions.webhooks.settling import Outcome
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery import answers
from workwire.worker.delivery import engine as engine_module
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.settler import Settler
from workwire.worker.delivery.transport import Request
from workwire.worker.delivery.transport.exchange import unanswered
from workwire.worker.intervals import Rhythm

Open = Callable[..., WorkItem]


def test_an_attempt_that_cannot_be_recorded_keeps_no_other_from_being_settled(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    for _ in range(5):
        open_ticket()
    fanning.fan_out(clock.now())
    odd, insert = sorted(Delivery.objects.values_list("pk", flat=True))[2], sql.insert

    def refuse(table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
        rows = list(values)
        if table == "webhooks_attempt" and odd in {row[0] for row in rows}:
            raise DataError("text fields cannot contain NUL bytes")
        insert(table, columns, rows)

    monkeypatch.setattr(sql, "insert", refuse)
    engine.drain()
    assert len(receiver.requests) == 5
    assert list(Delivery.objects.values_list("state", "attempts")) == [(State.DELIVERED, 1)] * 5
    assert Attempt.objects.count() == 4
    assert not Attempt.objects.filter(delivery=odd).exists()


def test_a_message_that_cannot_be_composed_is_a_failed_attempt_and_stops_no_other(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    subscribe(format="standard", retry_schedule=[1, 1, 1])
    open_ticket()
    open_ticket()
    odd = Event.objects.filter(name="WorkItemCreated").latest("id")
    Event.objects.filter(pk=odd.pk).update(body="not what it was")
    with clock.frozen(clock.now()) as advance:
        for _ in range(5):
            engine.drain()
            advance(timedelta(minutes=1))
    assert len(receiver.requests) == 1
    assert dict(Delivery.objects.values_list("state", "attempts")) == {State.DELIVERED: 1, State.GAVE_UP: 4}
    assert set(Attempt.objects.filter(delivery__event=odd).values_list("error", flat=True)) == {"not_composed"}


@pytest.mark.parametrize(
    "odd_terms", [{"format": "of a newer release"}, {"secrets": [{"sealed": "", "expires_at": "soon"}]}]
)
def test_a_subscription_whose_messages_cannot_be_composed_stops_no_other(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, odd_terms: dict[str, Any]
) -> None:
    subscribe()
    odd, _ = subscribe(url=receiver.url("/odd"))
    subscribe(url=receiver.url("/last"))
    Subscription.objects.filter(pk=odd.pk).update(**odd_terms)
    open_ticket()
    engine.drain()
    assert sorted(request.path for request in receiver.requests) == ["/hook", "/last"]
    assert Attempt.objects.get(delivery__subscription=odd).error == "not_composed"
    assert not engine.unsettled.in_flight
    assert not Subscription.objects.exclude(failing_since=None).exists()


def test_secrets_that_no_key_opens_are_told_of_once_and_are_no_fault_of_the_endpoint(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    assert stored.secrets().is_well
    other = Fernet(Fernet.generate_key()).encrypt(b"whsec_bm90aGluZw==").decode()
    subscribe()
    unreadable, _ = subscribe(url=receiver.url("/unreadable"), retry_schedule=[1, 1, 1])
    assert stored.secrets().is_well
    Subscription.objects.filter(pk=unreadable.pk).update(secrets=[{"sealed": other, "expires_at": None}])
    for _ in range(3):
        open_ticket()
    engine.drain()
    assert [request.path for request in receiver.requests] == ["/hook"] * 3
    assert Attempt.objects.filter(error="secret_unreadable").count() == 3
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"no key opens the secret of subscription {unreadable.guid}; `workwire doctor` says more"]
    assert set(queries.unwell(clock.now()).values()) == {0}
    assert not Event.objects.filter(name="EndpointFailing").exists()
    found = stored.secrets()
    assert not found.is_well
    assert str(unreadable.guid) in found.sentence


def test_a_delivery_that_cannot_be_prepared_is_put_off_and_in_the_end_given_up(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    for _ in range(3):
        open_ticket()
    fanning.fan_out(clock.now())
    odd, contents = min(Delivery.objects.values_list("pk", flat=True)), rights.contents

    def stumble(deliveries: Collection[int]) -> list[Content]:
        if odd in deliveries:
            raise KeyError(odd)
        return contents(deliveries)

    monkeypatch.setattr(rights, "contents", stumble)
    with clock.frozen(clock.now()) as advance:
        engine.drain()
        assert len(receiver.requests) == 2
        for _ in range(9):
            advance(timedelta(days=2))
            engine.drain()
    assert len(receiver.requests) == 2
    assert Delivery.objects.get(pk=odd).state == State.GAVE_UP


@pytest.mark.parametrize("state", [State.WITHHELD, State.CANCELLED])
def test_a_delivery_that_cannot_be_ended_keeps_no_other_from_going_or_ending(
    state: State,
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused, _ = subscribe(by="process builder", url=receiver.url("/refused"))
    subscribe()
    for _ in range(5):
        open_ticket()
    fanning.fan_out(clock.now())
    if state == State.WITHHELD:
        access.set_active(organisation.accounts["process builder"].user, False, by=SYSTEM)
    else:
        Subscription.objects.filter(pk=refused.pk).update(ended_at=clock.now())  # as a fan-out beside it leaves them
    odd, leave = sorted(refused.deliveries.values_list("pk", flat=True))[2], queue.leave

    def stumble(worker: UUID, ended: Collection[int]) -> list[int]:
        if odd in ended:
            raise DataError("a row that cannot be written")
        return leave(worker, ended)

    monkeypatch.setattr(queue, "leave", stumble)
    with clock.frozen(clock.now()) as advance:
        engine.drain()
        assert [request.path for request in receiver.requests] == ["/hook"] * 5
        assert refused.deliveries.filter(state=state).count() == 4
        place = Queued.objects.get()
        assert (place.pk, place.lane, place.tries, place.claimed_by) == (odd, Lane.RETRY, 1, None)
        for _ in range(9):
            advance(timedelta(days=2))
            engine.drain()
        assert Queued.objects.get().pk == odd
        monkeypatch.undo()
        advance(timedelta(days=2))
        engine.drain()
    assert refused.deliveries.filter(state=state).count() == 5


def test_what_was_claimed_and_not_handed_over_is_given_back(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused, _ = subscribe(by="process builder", url=receiver.url("/refused"))
    subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    access.set_active(organisation.accounts["process builder"].user, False, by=SYSTEM)

    def away(*_how: object) -> int:
        raise OperationalError("terminating connection due to administrator command")

    with monkeypatch.context() as patch:
        patch.setattr(settling, "withhold", away)
        with pytest.raises(OperationalError):
            engine.step()
    assert len(receiver.wait_for(1)) == 1
    engine.drain()
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert refused.deliveries.get().state == State.WITHHELD
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 1


def test_a_lane_that_fails_keeps_no_other_from_its_turn(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    open_ticket()
    fanning.fan_out(clock.now())

    def stumble(now: datetime, *, told: bool) -> int:
        raise LookupError("an event of a kind nobody knows")

    monkeypatch.setattr(fanning, "fan_out", stumble)
    with pytest.raises(LookupError):
        engine.step()
    assert len(receiver.wait_for(1)) == 1


def test_a_worker_outlives_every_error_of_the_database_and_mistakes_of_ours(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [
        OperationalError("database or disk is full"),
        OperationalError("terminating connection due to administrator command"),
        InterfaceError("the connection is closed"),
        InternalError("cannot execute UPDATE in a read-only transaction"),
        DatabaseError("database disk image is malformed"),
        RuntimeError("a mistake of ours"),
    ]
    left: list[Exception] = list(errors)

    def step() -> bool:
        if not left:
            engine.stop()
            return True
        raise left.pop(0)

    monkeypatch.setattr(engine, "step", step)
    monkeypatch.setattr(engine_module, "POLL", 0.01)
    monkeypatch.setattr(engine_module, "LONGEST_DATABASE_PAUSE", 0.02)
    with caplog.at_level(logging.WARNING), monkeypatch.context() as kept:
        kept.setattr("django.db.backends.base.base.BaseDatabaseWrapper.close", lambda _: None)  # the test's transaction
        engine.run()
    assert not left
    told = [record for record in caplog.records if record.name == engine_module.__name__]
    assert len([record for record in told if "the database does not answer" in record.message]) == 5
    assert [record.exc_info and record.exc_info[1] for record in told if record.levelname == "ERROR"] == errors[-1:]


def test_without_room_a_worker_waits_for_answers_and_not_for_what_an_older_round_saw(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    now = clock.now()
    with clock.frozen(now) as advance:
        open_ticket()
        fanning.fan_out(now)
        Queued.objects.update(due_at=now + timedelta(milliseconds=500))
        assert not engine.step()
        assert 0.4 < engine.idle_for() <= 0.5
        advance(timedelta(seconds=2))
        with monkeypatch.context() as patch:
            patch.setattr(engine.sending, "places", 0)
            assert not engine.step()
            assert engine.idle_for() == engine_module.POLL
        assert engine.step()


def test_answers_are_counted_right_while_they_come(engine: Engine) -> None:
    """The number of those not looked at is changed by two threads."""
    answers = [unanswered(Request(key, "http://127.0.0.1/", (), b"", 1, 1), "transport_lost") for key in range(5)]
    interval, rounds = sys.getswitchinterval(), 20_000

    def take() -> None:
        for _ in range(rounds):
            engine.answers.arrive(answers)

    sys.setswitchinterval(1e-6)
    try:
        thread = threading.Thread(target=take)
        thread.start()
        while thread.is_alive():
            engine.settle(clock.now())
        engine.settle(clock.now())
    finally:
        sys.setswitchinterval(interval)
    assert engine.answers.not_looked_at == 0
    assert engine.answers.looked_at == 5 * rounds


def test_settling_goes_on_after_whatever_happened() -> None:
    settled, errors = threading.Event(), [OperationalError("gone"), RuntimeError("a mistake of ours")]

    def settle(outcomes: Sequence[Outcome], now: datetime) -> None:
        if errors:
            raise errors.pop(0)
        settled.set()

    free: list[int] = []
    settler = Settler(settle, lambda: free.append(settler.waiting))
    outcome: Any = object()
    settler.put([outcome], clock.now())
    assert settled.wait(5)
    settler.close(5)
    assert settler.waiting == 0
    assert free == [0]  # whoever waits for places is told, and finds them


@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database settles in the engine's own thread")
def test_settling_wakes_an_engine_that_waits_for_room(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would go out until its next poll, though all it had was settled."""
    told: list[bool] = []

    class Settling:
        def __init__(self, settle: object, on_settled: Callable[[], None]) -> None:
            engine.woken.clear()
            on_settled()
            told.append(engine.woken.is_set())

        def close(self, timeout: float) -> None:
            told.append(timeout > 0)

    monkeypatch.setattr(answers, "Settler", Settling)
    engine.stop()
    engine.run()
    assert all(told)
    assert len(told) >= 2


@pytest.mark.parametrize("error", sorted(settling.LOST))
def test_what_is_lost_on_the_way_is_no_fault_of_the_endpoint_unless_it_goes_on(
    error: str, subscribe: Subscribe, open_ticket: Open, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription, _ = subscribe(retry_schedule=[1, 1, 1])
    open_ticket()
    monkeypatch.setattr(engine.transport, "submit", lambda requests: _lose(engine, requests, error))
    with clock.frozen(clock.now()) as advance:
        engine.drain()
        place = Queued.objects.get()
        assert (place.tries, place.lane) == (1, Lane.RETRY)
        assert Attempt.objects.count() == settling.MOST_FORGIVEN + 1
        subscription.refresh_from_db()
        assert subscription.failing_since is None
        for _ in range(4):
            advance(timedelta(minutes=1))
            engine.drain()
    assert Delivery.objects.get().state == State.GAVE_UP


def test_a_lost_transport_is_forgiven_after_failures_of_the_endpoint_too(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.script("/hook", status=500)
    subscribe(retry_schedule=[1, 1, 1])
    open_ticket()
    with clock.frozen(clock.now()) as advance:
        for _ in range(3):
            engine.drain()
            advance(timedelta(minutes=1))
        place = Queued.objects.get()
        assert (place.tries, Attempt.objects.count()) == (3, 3)
        receiver.script("/hook", status=204)
        submit, lost = engine.transport.submit, list[Request]()

        def lose_once(requests: Iterable[Request]) -> None:
            if lost:
                submit(requests)
            else:
                lost.extend(requests)
                _lose(engine, lost)

        monkeypatch.setattr(engine.transport, "submit", lose_once)
        engine.drain()
    assert [one.error for one in Attempt.objects.order_by("number")][3:] == ["transport_lost", ""]
    assert Delivery.objects.get().state == State.DELIVERED


def test_what_is_done_every_so_often_does_not_wait_for_a_clock_set_back() -> None:
    rhythm, now = Rhythm(timedelta(seconds=5)), datetime(2026, 1, 1, tzinfo=UTC)
    assert rhythm.is_due(now)
    rhythm.done(now)
    assert not rhythm.is_due(now + timedelta(seconds=4))
    assert rhythm.is_due(now + timedelta(seconds=5))
    assert rhythm.is_due(now - timedelta(minutes=10))


def _lose(engine: Engine, requests: Iterable[Request], error: str = "transport_lost") -> None:
    engine.answers.arrive([unanswered(request, error) for request in requests])
