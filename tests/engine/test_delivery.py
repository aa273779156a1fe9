"""Retries, pauses, order, leases and ends: what becomes of a delivery."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections

from tests.conftest import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox.models import Event, Pending
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, fanning, preparing, queue, repair, replays, retention, settling, sql
from workwire.reactions.webhooks.models import Attempt, Delivery, Lane, Queued, State, Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import Request, ThreadTransport

Open = Callable[..., WorkItem]


def _claim(worker: UUID, subscription: Subscription) -> list[int]:
    now = clock.now()
    return queue.claim(worker, now, Lane.FRESH, [(subscription.pk, 10)], until=now + timedelta(minutes=1))


def test_a_failure_is_tried_again_with_the_same_id(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    receiver.script("/hook", status=500, times=2)
    subscribe()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        for _ in range(3):
            engine.drain()
            advance(timedelta(minutes=2))
    assert Delivery.objects.get().state == State.DELIVERED
    assert len({dict(request.headers)["Webhook-Id"] for request in receiver.requests}) == 1
    assert [dict(request.headers)["Webhook-Attempt"] for request in receiver.requests] == ["1", "2", "3"]
    assert list(Attempt.objects.order_by("id").values_list("number", "status")) == [
        (1, 500),
        (2, 500),
        (3, 204),
    ]


def test_what_is_not_sent_while_its_claim_surely_lasts_is_given_back(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe()
    open_ticket()
    with monkeypatch.context() as patch:
        patch.setattr(engine.sending, "margin", -1.0)
        engine.step()
        assert Queued.objects.get().claimed_by == engine.guid
        patch.setattr(queue, "claim", lambda *_, **__: [])
        engine.drain()
    place = Queued.objects.get()
    assert (place.claimed_by, place.tries) == (None, 0)
    assert not receiver.requests
    assert not Attempt.objects.exists()
    engine.drain()
    assert len(receiver.requests) == 1
    assert engine.endpoints.room_for_unsure() == settings.CONFIG.webhook_concurrency // 2
    assert not engine.sending.claims.of_owner


@pytest.mark.parametrize(("lease", "timeout"), [(60, 15.0), (16, 15.0), (5, 4.9)])
def test_no_request_begins_that_could_outlast_its_lease(
    lease: int, timeout: float, subscribe: Subscribe, open_ticket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings.CONFIG.model_copy(update={"webhook_lease_seconds": lease, "webhook_timeout": timeout})
    monkeypatch.setattr(settings, "CONFIG", config)
    subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    engine = Engine(ThreadTransport)
    try:
        requests: list[Request] = []
        monkeypatch.setattr(engine.transport, "submit", requests.extend)
        earliest = time.monotonic()
        engine.send(clock.now())
        (request,) = requests
        until = Queued.objects.get().due_at
        assert until <= clock.now() + timedelta(seconds=lease)
        assert earliest < request.begin_before
        assert request.begin_before + request.total_timeout < time.monotonic() + lease
    finally:
        engine.close()


def test_after_the_schedule_a_delivery_gives_up_and_a_resend_sends_it(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=400, times=4)
    subscribe(retry_schedule=[1, 1, 1])
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        for _ in range(6):
            engine.drain()
            advance(timedelta(seconds=5))
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.attempts) == (State.GAVE_UP, 4)
        repair.resend(delivery.guid, by=actors["integrator"])
        engine.drain()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (State.DELIVERED, 5)
    assert len({dict(request.headers)["Webhook-Id"] for request in receiver.requests}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
def test_everything_but_2xx_is_a_failure(
    status: int, subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    receiver.script("/hook", status=status, headers=[("Location", receiver.url("/elsewhere"))])
    subscribe()
    open_ticket()
    engine.drain()
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert Delivery.objects.get().state == State.DUE
    place = Queued.objects.get()
    assert place.lane == Lane.RETRY
    assert place.due_at > clock.now()


def test_retry_after_is_honoured(subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver) -> None:
    receiver.script("/hook", status=429, headers=[("Retry-After", "300")])
    subscribe()
    with clock.frozen(clock.now()):
        open_ticket()
        engine.drain()
        assert Queued.objects.get().due_at >= clock.now() + timedelta(seconds=300)


def test_gone_pauses_and_resuming_sends_what_accumulated(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=410, times=1)
    subscription, _ = subscribe()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        engine.drain()
        open_ticket()
        advance(timedelta(minutes=5))
        engine.drain()
        assert len(receiver.requests) == 1
        assert Event.objects.filter(name="SubscriptionPaused", record_guid=subscription.guid).exists()
        commands.resume(subscription.guid, by=actors["integrator"])
        engine.drain()
    assert len(receiver.requests) == 3
    assert not Delivery.objects.exclude(state=State.DELIVERED).exists()


def test_days_of_nothing_but_failure_pause(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    receiver.script("/hook", status=500)
    subscribe()
    with clock.frozen(clock.now()) as advance:
        for _ in range(7):
            open_ticket()
            engine.drain()
            advance(timedelta(days=1))
    subscription = Subscription.objects.get()
    assert subscription.pause_reason == settling.FAILED_TOO_LONG
    assert Event.objects.filter(name="EndpointFailing").count() == 1


@pytest.mark.parametrize(
    ("one", "other", "reason"), [(204, 500, ""), (410, 204, "endpoint_gone"), (410, 500, "endpoint_gone")]
)
def test_a_batch_of_answers_is_failing_only_when_nothing_was_taken_and_gone_when_anything_says_so(
    one: int, other: int, reason: str, subscribe: Subscribe, open_ticket: Open
) -> None:
    subscription, _ = subscribe()
    long_ago = clock.now() - timedelta(days=6)
    Subscription.objects.update(failing_since=long_ago)
    open_ticket()
    open_ticket()
    fanning.fan_out(clock.now())
    worker = ids.new_guid()
    held = preparing.prepare(_claim(worker, subscription), [subscription.pk], clock.now())
    outcomes = [settling.Outcome(row, clock.now(), 0.1, status) for row, status in zip(held, (one, other), strict=True)]
    settling.settle(worker, outcomes, clock.now())
    subscription.refresh_from_db()
    assert (subscription.pause_reason, subscription.failing_since) == (reason, long_ago if reason else None)


def test_in_order_a_record_waits_for_its_earlier_messages_and_others_pass(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=500, times=1)
    subscribe(webhook=1, in_order=True)
    ticket, other = open_ticket(), open_ticket()
    with clock.frozen(clock.now()) as advance:
        for title in ("one", "two", "three"):
            work.update(ticket, by=actors["team member"], description=title)
        engine.drain()
        work.update(other, by=actors["team member"], description="passes")
        engine.drain()
        advance(timedelta(minutes=1))
        engine.drain()
    arrived = [(body["GUID"], body["Sequence"]) for body in (request.json() for request in receiver.requests)]
    mine, its = str(ticket.guid), str(other.guid)
    assert arrived == [(mine, 2), (its, 2), (mine, 2), (mine, 3), (mine, 4)]


def test_unsubscribing_cancels_what_was_pending(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    commands.unsubscribe(subscription.guid, by=actors["integrator"])
    engine.drain()
    assert receiver.requests == []
    delivery = Delivery.objects.get()
    assert delivery.state == State.CANCELLED
    with pytest.raises(Conflict):
        repair.resend(delivery.guid, by=actors["integrator"])


def test_an_answer_that_comes_after_the_end_is_told_to_nobody(
    subscribe: Subscribe, open_ticket: Open, actors: dict[str, Actor]
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    now = clock.now()
    fanning.fan_out(now)
    worker = ids.new_guid()
    prepared = preparing.prepare(list(_claim(worker, subscription)), {subscription.pk}, now)
    commands.unsubscribe(subscription.guid, by=actors["integrator"])
    settling.settle(worker, [settling.Outcome(delivery, now, 0.1, settling.HTTP_GONE) for delivery in prepared], now)
    told = Event.objects.filter(record_guid=subscription.guid).order_by("id").values_list("name", flat=True)
    assert list(told) == ["SubscriptionCreated", "SubscriptionEnded"]
    assert Attempt.objects.count() == 1
    assert Delivery.objects.get().state == State.CANCELLED


def test_what_a_dead_worker_held_is_sent_by_another(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    subscription, _ = subscribe()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        fanning.fan_out(clock.now())
        assert len(_claim(ids.new_guid(), subscription)) == 1
        engine.drain()
        assert receiver.requests == []
        advance(timedelta(minutes=2))
        engine.drain()
    assert len(receiver.requests) == 1


def test_a_late_answer_of_a_lost_lease_is_logged_and_changes_nothing_else(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    subscription, _ = subscribe()
    late = ids.new_guid()
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        fanning.fan_out(clock.now())
        (held,) = preparing.prepare(_claim(late, subscription), [subscription.pk], clock.now())
        advance(timedelta(minutes=2))
        engine.drain()
        failed = settling.Outcome(held, started_at=clock.now(), duration=0.1, status=500)
        settling.settle(late, [failed], clock.now())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (State.DELIVERED, 2)


def test_fan_out_writes_all_or_nothing(
    subscribe: Subscribe, open_ticket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fanning.fan_out(clock.now())
    subscribe()
    open_ticket()

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(sql, "listed", crash)
        with pytest.raises(KeyboardInterrupt):
            fanning.fan_out(clock.now())
    assert Pending.objects.count() == 1
    assert not Delivery.objects.exists()
    assert fanning.fan_out(clock.now()) == 1
    assert fanning.fan_out(clock.now()) == 0
    assert Delivery.objects.count() == 1


def test_backfill_sends_what_was_before_the_subscription(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    start = clock.now() - timedelta(minutes=1)
    open_ticket()
    open_ticket()
    engine.drain()
    subscription, _ = subscribe()
    builder = actors["integrator"]
    twice = [replays.backfill(subscription.guid, by=builder, since=start) for _ in range(2)]
    engine.drain()
    assert len(receiver.requests) == 2
    assert [replays.find(each.guid, by=builder).queued for each in twice] == [2, 0]


def test_one_event_reaches_every_matching_subscription_once(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    organisation: object,
    first: object,
) -> None:
    for kind, guid in (
        (ObjectType.COMPANY, first.company.guid),  # type: ignore[attr-defined] # the sample customer
        (ObjectType.CONTRACT, first.contract.guid),  # type: ignore[attr-defined] # as above
        (ObjectType.SERVICE, first.service.guid),  # type: ignore[attr-defined] # as above
        (ObjectType.NONE, None),
    ):
        subscribe(filter_type=kind, filter_guid=guid)
    open_ticket()
    engine.drain()
    assert len(receiver.requests) == 4
    assert len({dict(request.headers)["Webhook-Subscription"] for request in receiver.requests}) == 4
    assert len({dict(request.headers)["Webhook-Id"] for request in receiver.requests}) == 4


def test_finished_deliveries_are_removed_and_the_ledger_stays(
    subscribe: Subscribe, open_ticket: Open, engine: Engine
) -> None:
    subscribe()
    open_ticket()
    engine.drain()
    before = Event.objects.count()
    assert retention.remove_old(clock.now() - timedelta(days=1)) == 0
    assert retention.remove_old(clock.now() + timedelta(seconds=1)) == 1
    assert not Attempt.objects.exists()
    assert Event.objects.count() == before


def test_time_wakes_what_waits_and_closes_what_was_resolved(
    open_ticket: Open, engine: Engine, actors: dict[str, Actor], organisation: Organisation
) -> None:
    member = actors["team member"]
    category = organisation.customers[0].category.guid
    with clock.frozen(clock.now()) as advance:
        ticket = open_ticket(category_guid=category, submit=True)
        work.wait_until(ticket, clock.now() + timedelta(hours=1), by=member)
        engine.drain()
        ticket.refresh_from_db()
        assert ticket.status == 3
        advance(timedelta(hours=2))
        engine.drain()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.status_reason) == (1, 6)


def test_a_secret_that_cannot_be_read_stops_nobody_else(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    broken, _ = subscribe(url=receiver.url("/broken"))
    subscribe()
    Subscription.objects.filter(pk=broken.pk).update(secrets=[{"sealed": "nonsense", "expires_at": None}])
    open_ticket()
    engine.drain()
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert Attempt.objects.get(delivery__subscription=broken).error == "secret_unreadable"


def test_a_place_in_the_queue_whose_delivery_is_gone_goes_too(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    subscribe()
    open_ticket()
    open_ticket()
    fanning.fan_out(clock.now())
    gone = Delivery.objects.order_by("pk")[0].pk
    sql.run("DELETE FROM webhooks_delivery WHERE id = %s", gone)
    assert Queued.objects.count() == 2
    engine.drain()
    assert len(receiver.requests) == 1
    assert not Queued.objects.exists()
    assert not Attempt.objects.filter(delivery_id=gone).exists()


def test_retention_leaves_what_is_being_sent(subscribe: Subscribe, open_ticket: Open, engine: Engine) -> None:
    subscription, _ = subscribe()
    open_ticket()
    fanning.fan_out(clock.now())
    assert len(_claim(engine.guid, subscription)) == 1
    later = clock.now() + timedelta(seconds=1)
    assert retention.remove_old(later) == 0
    queue.release(engine.guid, list(Queued.objects.values_list("pk", flat=True)), clock.now())
    assert retention.remove_old(later) == 0
    Subscription.objects.update(paused_at=clock.now())
    assert retention.remove_old(later) == 1


def test_what_waits_for_another_try_is_kept_however_short_the_log_is(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    """Pauses of 36 hours, and a log of a day: the message is tried as often as its subscription says."""
    pause = 36 * 3600
    receiver.script("/hook", status=500, times=3)
    subscribe(retry_schedule=[pause, pause, pause])
    open_ticket()
    with clock.frozen(clock.now()) as advance:
        for _ in range(3):
            engine.drain()
            advance(timedelta(hours=30))
            assert retention.remove_old(clock.now() - timedelta(days=1)) == 0
            assert Delivery.objects.get().state == State.DUE
            advance(timedelta(hours=12))
        engine.drain()
        assert (Delivery.objects.get().state, Attempt.objects.count()) == (State.DELIVERED, 4)
        advance(timedelta(days=2))
        assert retention.remove_old(clock.now() - timedelta(days=1)) == 1


@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_retention_leaves_what_is_claimed_while_it_looks(
    subscribe: Subscribe, open_ticket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    open_ticket()
    fanning.fan_out(clock.now())
    Subscription.objects.update(paused_at=clock.now())
    now, worker, rows = clock.now(), ids.new_guid(), sql.rows
    Delivery.objects.update(created_at=now - timedelta(days=40))

    def claim() -> None:
        queue.claim(worker, now, Lane.FRESH, [(subscription.pk, 1)], until=now + timedelta(minutes=1))
        connections.close_all()

    def claimed_before(statement: str, *parameters: object) -> list[tuple[object, ...]]:
        monkeypatch.setattr(sql, "rows", rows)
        worker = threading.Thread(target=claim)
        worker.start()
        worker.join()
        return rows(statement, *parameters)

    monkeypatch.setattr(sql, "is_alone", lambda _lock: True)
    monkeypatch.setattr(sql, "rows", claimed_before)
    assert retention.remove_old(now - timedelta(days=30)) == 1
    assert Queued.objects.get().claimed_by == worker
    assert Delivery.objects.get() == Queued.objects.get().delivery
