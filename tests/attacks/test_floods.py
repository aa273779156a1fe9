"""Workwire as a weapon: one account cannot make it send more, faster or wilder than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.conf import settings

from tests.doors.conftest import Caller
from tests.support.organisation import Customer
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import addresses, clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, Limited
from workwire.kernel.limits import ConcurrencyLimit
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, repair, replays
from workwire.reactions.webhooks.models import Delivery, Queued, State, Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with low limits."""
    low = {"webhook_most_subscriptions": 2, "webhook_most_tests": 2}
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update=low))


def test_an_account_has_no_more_subscriptions_than_it_may(
    builder: Caller, narrow: Caller, first: Customer, second: Customer, receiver: Receiver, few: None
) -> None:
    def subscribe(who: Caller, customer: Customer) -> int:
        filtered = {"filter_type": "company", "filter_guid": str(customer.company.guid)}
        wish = {"webhook": "PacketCreated", "url": receiver.url("/"), **filtered}
        return int(who.api("POST", "/subscriptions", wish).status_code)

    assert [subscribe(builder, first) for _ in range(3)] == [201, 201, 409]
    before = Event.objects.count()
    documented = {
        "Webhook": "PacketCreated",
        "SubscriberURL": receiver.url("/"),
        "FilterObjectType": "Company",
        "FilterObjectGUID": str(first.company.guid),
    }
    refused = builder.webapi("WebHookSubscription/SubscribeToWebhook", documented)
    assert (refused.status_code, "at most 2 subscriptions" in refused.headers["Reason"]) == (400, True)
    assert (Subscription.objects.count(), Event.objects.count()) == (2, before)
    assert subscribe(narrow, second) == 201  # the limit is each account's own
    ended = Subscription.objects.order_by("pk")[0].guid
    assert builder.api("DELETE", f"/subscriptions/{ended}").status_code == 204
    assert subscribe(builder, first) == 201


def test_tests_wait_for_each_other(
    subscribe: Subscribe, engine: Engine, builder: Caller, actors: dict[str, Actor], few: None
) -> None:
    """Also over several subscriptions, and though the tests of a paused one go out."""
    one, other = (subscribe(by="process builder")[0] for _ in range(2))
    by = actors["process builder"]
    repair.simulate(one.guid, by=by)
    repair.simulate(other.guid, by=by)
    before = Delivery.objects.count()
    with pytest.raises(Limited) as refusal:
        repair.simulate(one.guid, by=by)
    assert refusal.value.code == "too_many_tests"
    answer = builder.api("POST", f"/subscriptions/{one.guid}/simulate")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    documented = builder.webapi("WebHookTest/SimulateEvent", webHookSubscriptionGUID=str(one.guid))
    assert documented.status_code == 429
    assert Delivery.objects.count() == before
    engine.drain()
    earlier = [test.guid for test in Delivery.objects.filter(event=None)]
    assert repair.simulate(one.guid, by=by)
    assert repair.resend(earlier[0], by=by)  # a test again, whatever it is called
    with pytest.raises(Limited):
        repair.resend(earlier[1], by=by)


def test_an_account_cannot_hold_every_thread_of_a_web_process_with_tests_and_silent_name_servers(
    subscribe: Subscribe, actors: dict[str, Actor], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription, _ = subscribe()
    owner, other, under_way = actors["integrator"], actors["process builder"], [0, 0]

    def wait(delivery: Delivery, *, seconds: float) -> Delivery:
        under_way[0] += 1
        repair.try_out(subscription.guid, by=owner)
        return delivery

    def look_up(*_asked: object) -> str | None:
        under_way[1] += 1
        commands.endpoint_of(receiver.url("/"), by=owner)
        return None

    monkeypatch.setattr(repair, "wait_for_end", wait)
    monkeypatch.setattr(addresses, "resolve_refusal", look_up)
    with pytest.raises(Limited):
        repair.try_out(subscription.guid, by=owner)
    with pytest.raises(Limited):
        commands.endpoint_of(receiver.url("/"), by=owner)
    assert all(0 < count < settings.CONFIG.web_threads for count in under_way)
    monkeypatch.setattr(addresses, "resolve_refusal", lambda *_: None)
    assert commands.endpoint_of(receiver.url("/"), by=other)
    assert commands.endpoint_of(receiver.url("/"), by=owner)


def test_all_accounts_together_hold_half_of_the_threads_with_what_takes_long() -> None:
    """Whoever asks, and of whatever kind: the other half goes on with everything else."""
    tests, digests = ConcurrencyLimit(2, "tests"), ConcurrencyLimit(2, "digests")
    with ExitStack() as held:
        for number in range(settings.CONFIG.web_threads // 2):
            held.enter_context((tests, digests)[number % 2].one_for(number))
        for limit in (tests, digests):
            with pytest.raises(Limited, match="long requests"), limit.one_for("somebody else"):
                pass
    with tests.one_for("somebody else"):
        pass


def test_replays_wait_for_each_other(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    """However often one is asked for, few stand in line, and a message stands in the queue once at a time."""
    made, _ = subscribe()
    for _ in range(3):
        open_ticket()
    engine.drain()
    since = made.created_at
    for _ in range(replays.MOST_UNFINISHED):
        replays.replay(made.guid, by=actors["integrator"], since=since)
    with pytest.raises(Conflict) as refusal:
        replays.replay(made.guid, by=actors["integrator"], since=since)
    assert refusal.value.code == "too_many_replays"
    assert Queued.objects.count() <= 3
    engine.drain()
    assert len(receiver.requests) <= 3 * (1 + replays.MOST_UNFINISHED)
    assert replays.replay(made.guid, by=actors["integrator"], since=since)


def test_all_subscriptions_of_one_url_share_the_bound_of_its_host(
    subscribe: Subscribe, open_ticket: Open, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    """Sixty messages of twenty subscriptions for one victim: never more at a time than an endpoint gets."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"webhook_endpoint_concurrency": 3}))
    lock, now, most = threading.Lock(), 0, 0
    take = receiver.take

    def counted(*args: object) -> object:
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        script = take(*args)
        receiver.closing.wait(0.005)
        with lock:
            now -= 1
        return script

    monkeypatch.setattr(receiver, "take", counted)
    for number in range(20):
        subscribe(url=receiver.url(f"/{number}"))
    for _ in range(3):
        open_ticket()
    engine = Engine()
    try:
        engine.drain()
    finally:
        engine.close()
    assert len(receiver.requests) == 60
    assert most <= 3


def test_a_schedule_of_seconds_ends_like_every_other(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    """The wildest schedule that is taken is twenty pauses of one second: then it is over, and nothing more is sent."""
    for too_wild in ([1] * 21, [0, 0, 0], [1, 1], [1, 1, -1]):
        with pytest.raises(Invalid, match="3 to 20 pauses of 1 second"):
            subscribe(retry_schedule=too_wild)
    made, _ = subscribe(retry_schedule=[1] * 20)
    receiver.script("/hook", status=400)
    with clock.frozen(clock.now()) as advance:
        open_ticket()
        for _ in range(25):
            engine.drain()
            advance(timedelta(seconds=2))
    assert len(receiver.requests) == 21
    assert made.deliveries.get().state == State.GAVE_UP
