"""Who is served next, and who holds up whom: counted in claims and in messages, never in seconds."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.conf import settings

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.jobs import running
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, fanning, queue, repair, replays, workers
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State, Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.claiming import BACKWARDS_EVERY, OWNER_SHARE, Claims
from workwire.worker.delivery.endpoints import FIRST_WINDOW, OPENS_AFTER, Endpoints
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import ThreadTransport

Open = Callable[..., WorkItem]
PROBE_AFTER = timedelta(seconds=6)


def _copies(subscription: Subscription, count: int, **other: object) -> list[Subscription]:
    """More subscriptions like one."""
    kept = {field.attname: getattr(subscription, field.attname) for field in Subscription._meta.concrete_fields}
    del kept["id"]
    rows = [Subscription(**(kept | other | {"guid": ids.new_guid()})) for _ in range(count)]
    return Subscription.objects.bulk_create(rows)


@dataclass
class Backlog:
    """Queues many messages at once: events like that of one ticket, each of a record of its own."""

    event: Event
    made: int = 1

    def of(self, subscription: Subscription, lane: Lane, count: int) -> None:
        """Queue messages for a subscription in a lane, due now."""
        kept = {name.attname: getattr(self.event, name.attname) for name in Event._meta.concrete_fields}
        del kept["id"]
        numbers = range(self.made + 1, self.made + count + 1)
        self.made += count
        copies = [Event(**(kept | {"guid": ids.new_guid(), "sequence": number})) for number in numbers]
        events = Event.objects.bulk_create(copies, batch_size=1_000)
        queue.add([(subscription.pk, event.pk, ids.new_guid(), lane) for event in events], clock.now())


@dataclass
class Taker:
    """Claims without sending."""

    most: int = 16
    places: int = 1024
    rate: float = 0.0
    now: float = 0.0
    claims: Claims = field(init=False)
    endpoints: Endpoints = field(init=False)

    def __post_init__(self) -> None:
        self.endpoints = Endpoints(most=self.most, at_once=self.places, rate=self.rate)
        self.claims = Claims(ids.new_guid(), self.endpoints, places=self.places, lease=timedelta(minutes=1))

    def take(self, room: int) -> Counter[int]:
        """Claim and begin; how many of which subscription."""
        return Counter(subscription for _, subscription in self.taken(room))

    def take_lanes(self, room: int) -> Counter[Lane]:
        """Claim and begin; how many of which lane."""
        rows = Queued.objects.filter(pk__in=[delivery for delivery, _ in self.taken(room)])
        return Counter(Lane(lane) for lane in rows.values_list("lane", flat=True))

    def taken(self, room: int) -> list[tuple[int, int]]:
        """Claim and begin; the deliveries with their subscriptions."""
        taken = self.claims.take(clock.now(), self.now, room)
        rows = Subscription.objects.in_bulk(set(taken.values()))
        for subscription in taken.values():
            self.endpoints.begun(subscription, rows[subscription].endpoint, self.now)
            self.claims.hand_out(rows[subscription].owner_id)
        return list(taken.items())

    def answer(self, subscription: Subscription, *, sick: bool = False) -> None:
        """Let one attempt of a subscription end."""
        self.endpoints.ended(
            subscription.pk, subscription.endpoint, self.now, took=1.0, sick=sick, well=not sick, pause=0.0
        )
        self.claims.give_back(subscription.owner_id)


@pytest.fixture
def backlog(open_ticket: Open) -> Backlog:
    """A maker of backlogs; nothing is queued yet."""
    open_ticket()
    fanning.fan_out(clock.now())
    Queued.objects.all().delete()
    return Backlog(Event.objects.get(name="WorkItemCreated"))


@pytest.fixture
def other(db: None) -> Iterator[Receiver]:
    """A second host."""
    with Receiver() as running:
        yield running


def test_fresh_comes_before_retries_and_those_before_bulk(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    for lane in (Lane.BULK, Lane.RETRY, Lane.FRESH):
        backlog.of(subscription, lane, 2)
    taker = Taker()
    assert [taker.take_lanes(1) for _ in range(4)] == [Counter([lane]) for lane in (0, 0, 1, 1)]
    taker.answer(subscription)
    assert taker.take_lanes(5) == Counter({Lane.BULK: 2})


def test_a_flood_of_fresh_ones_starves_neither_retries_nor_bulk(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    for lane in (Lane.BULK, Lane.RETRY, Lane.FRESH):
        backlog.of(subscription, lane, 8 * BACKWARDS_EVERY)
    taker, served = Taker(), Counter[Lane]()
    for _ in range(6 * BACKWARDS_EVERY):
        served += taker.take_lanes(1)
        taker.answer(subscription)
    assert served == {Lane.FRESH: 6 * BACKWARDS_EVERY - 4, Lane.RETRY: 2, Lane.BULK: 2}


def test_a_bound_of_a_subscription_holds_over_all_its_lanes(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    for lane in (Lane.BULK, Lane.RETRY, Lane.FRESH):
        backlog.of(subscription, lane, 20)
    assert sum(Taker().take(100).values()) == FIRST_WINDOW


def test_a_bound_of_a_host_holds_over_all_its_subscriptions_and_lanes(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    for one in (subscription, *_copies(subscription, 9)):
        for lane in (Lane.BULK, Lane.FRESH):
            backlog.of(one, lane, 5)
    taker = Taker(most=16)
    assert sum(taker.take(100).values()) == 16
    assert taker.take(100) == {}
    taker.answer(subscription)
    assert sum(taker.take(100).values()) == 1


def test_one_probe_goes_whatever_lanes_wait(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    for lane in (Lane.BULK, Lane.RETRY, Lane.FRESH):
        backlog.of(subscription, lane, 5)
    taker = Taker()
    for _ in range(OPENS_AFTER):
        assert taker.take(1)
        taker.answer(subscription, sick=True)
    assert taker.take(100) == {}
    taker.now += PROBE_AFTER.total_seconds()
    assert taker.take(100) == {subscription.pk: 1}
    taker.answer(subscription)
    assert taker.take(100) == {subscription.pk: 2}


def test_a_subscription_gets_no_more_a_second_than_it_wants(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    Subscription.objects.update(most_per_second=3)
    for lane in (Lane.BULK, Lane.FRESH):
        backlog.of(subscription, lane, 100)
    taker, sent = Taker(), []
    for _ in range(5):
        count = 0
        while found := sum(taker.take(100).values()):
            count += found
            for _ in range(found):
                taker.answer(subscription)
        sent.append(count)
        taker.now += 1.0
    assert sent == [3] * 5


def test_workers_that_are_alive_divide_a_rate(
    subscribe: Subscribe, backlog: Backlog, engine: Engine, receiver: Receiver
) -> None:
    subscribe()
    Subscription.objects.update(most_per_second=4)
    backlog.of(Subscription.objects.get(), Lane.FRESH, 20)
    with clock.frozen(clock.now()) as advance:
        workers.beat(ids.new_guid(), clock.now())
        sent = []
        for _ in range(4):
            engine.drain()
            sent.append(len(receiver.requests))
            advance(timedelta(seconds=1))
            receiver.requests.clear()
    assert sent == [2, 2, 2, 2]


def test_a_host_gets_no_more_a_second_than_is_allowed(subscribe: Subscribe, backlog: Backlog) -> None:
    subscription, _ = subscribe()
    both = [subscription, *_copies(subscription, 1)]
    for one in both:
        backlog.of(one, Lane.FRESH, 50)
    taker, sent, served = Taker(rate=4), [], Counter[int]()
    for _ in range(6):
        count = Counter[int]()
        while found := taker.take(100):
            count += found
            for one in both:
                for _ in range(found[one.pk]):
                    taker.answer(one)
        sent.append(sum(count.values()))
        served += count
        taker.now += 1.0
    assert sent == [4] * 6
    assert set(served.values()) == {12}


def test_ten_thousand_messages_of_one_owner_do_not_delay_another(subscribe: Subscribe, backlog: Backlog) -> None:
    flooded, _ = subscribe()
    quiet, _ = subscribe(by="process builder")
    backlog.of(flooded, Lane.FRESH, 10_000)
    taker = Taker()
    taker.take(4)
    for _ in range(5):
        backlog.of(quiet, Lane.FRESH, 1)
        assert taker.take(2)[quiet.pk] == 1
        taker.answer(quiet)


def test_many_subscriptions_of_one_owner_do_not_delay_another(subscribe: Subscribe, backlog: Backlog) -> None:
    flooding, _ = subscribe()
    flood = [flooding, *_copies(flooding, 60)]
    for one in flood:
        backlog.of(one, Lane.FRESH, 10)
    quiet, _ = subscribe(by="process builder")
    taker, served = Taker(most=1_000), Counter[int]()
    for _ in range(40):
        backlog.of(quiet, Lane.FRESH, 1)
        found = taker.take(4)
        assert found[quiet.pk] == 1
        served += found
        taker.answer(quiet)
    assert max(served[one.pk] for one in flood) - min(served[one.pk] for one in flood) <= 1


def test_an_owner_cannot_take_all_places(subscribe: Subscribe, backlog: Backlog) -> None:
    flooding, _ = subscribe()
    quiet, _ = subscribe(by="process builder", url="http://127.0.0.1:9/quiet")
    for number, one in enumerate(_copies(flooding, 20)):
        Subscription.objects.filter(pk=one.pk).update(endpoint=f"http://127.0.0.1:{number}")
        backlog.of(one, Lane.FRESH, 4)
    taker = Taker(places=40)
    for one in Subscription.objects.filter(owner=flooding.owner_id):
        taker.endpoints.begun(one.pk, one.endpoint, 0)
        taker.endpoints.ended(one.pk, one.endpoint, 0, took=1, sick=False, well=True)
    assert sum(taker.take(40).values()) == 40 * OWNER_SHARE
    backlog.of(quiet, Lane.FRESH, 1)
    assert taker.take(10) == {quiet.pk: 1}


def test_places_of_owners_are_given_back(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/failing", status=500)
    subscribe()
    subscribe(by="process builder", url=receiver.url("/failing"))
    gone, _ = subscribe(by="process builder", url=receiver.url("/gone"))
    for _ in range(3):
        open_ticket()
    fanning.fan_out(clock.now())
    Subscription.objects.filter(pk=gone.pk).update(ended_at=clock.now())
    engine.drain()
    assert len(receiver.requests) == 6
    assert engine.sending.claims.of_owner == {}
    assert engine.endpoints.places_taken() == 0


def test_a_sick_endpoint_holds_up_nobody_and_heals_by_itself(
    subscribe: Subscribe, backlog: Backlog, engine: Engine, receiver: Receiver, other: Receiver
) -> None:
    receiver.script("/hook", status=500)
    sick, _ = subscribe(retry_schedule=[60, 60, 60])
    healthy, _ = subscribe(url=other.url("/hook"))
    with clock.frozen(clock.now()) as advance:
        backlog.of(sick, Lane.FRESH, 40)
        backlog.of(healthy, Lane.FRESH, 40)
        engine.drain()
        assert len(other.requests) == 40
        assert OPENS_AFTER <= len(receiver.requests) <= OPENS_AFTER + FIRST_WINDOW
        assert engine.endpoints.circuit(sick.pk, clock.seconds()) == "open"
        tried = len(receiver.requests)
        advance(PROBE_AFTER)
        engine.drain()
        assert len(receiver.requests) == tried + 1
        receiver.script("/hook", status=204)
        advance(timedelta(seconds=12))
        engine.drain()
        assert engine.endpoints.circuit(sick.pk, clock.seconds()) == "closed"
        advance(timedelta(seconds=70))
        engine.drain()
    assert set(Delivery.objects.filter(subscription=sick).values_list("state", flat=True)) == {State.DELIVERED}
    assert Event.objects.filter(name="EndpointFailing").count() == 1
    assert Event.objects.filter(name="EndpointRecovered").count() == 1


def test_a_hundred_endpoints_that_hang_do_not_stand_in_line_before_one_that_answers(
    subscribe: Subscribe, backlog: Backlog, engine: Engine, receiver: Receiver
) -> None:
    healthy, _ = subscribe()
    backlog.of(healthy, Lane.FRESH, 1)
    engine.drain()
    with socket.create_server(("", 0), backlog=200) as silent:
        port = silent.getsockname()[1]
        for number in range(1, 101):
            url = f"http://127.0.1.{number}:{port}"
            (hanging,) = _copies(healthy, 1, url=url, endpoint=url)
            backlog.of(hanging, Lane.FRESH, FIRST_WINDOW)
        while engine.step():
            pass
        assert 0 < len(engine.unsettled.in_flight) < settings.CONFIG.webhook_concurrency
        backlog.of(healthy, Lane.FRESH, 1)
        engine.step()
        receiver.wait_for(2)


def test_a_test_goes_through_an_open_circuit_and_a_good_one_closes_it(
    subscribe: Subscribe, backlog: Backlog, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=503)
    subscription, _ = subscribe()
    with clock.frozen(clock.now()):
        backlog.of(subscription, Lane.FRESH, 10)
        engine.drain()
        receiver.script("/hook", status=204)
        tried = len(receiver.requests)
        repair.simulate(subscription.guid, by=actors["integrator"])
        engine.drain()
        assert dict(receiver.requests[tried].headers)["Webhook-Test"] == "true"
        assert Queued.objects.filter(lane=Lane.FRESH).count() == 0
        assert engine.endpoints.circuit(subscription.pk, clock.seconds()) == "closed"


def test_a_test_goes_to_a_paused_subscription_and_the_backlog_stays(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    subscription, _ = subscribe(in_order=True, webhook=1)
    ticket = open_ticket()
    commands.pause(subscription.guid, by=actors["integrator"])
    for title in ("one", "two", "three"):
        work.update(ticket, by=actors["team member"], description=title)
    repair.simulate(subscription.guid, by=actors["integrator"])
    engine.drain()
    assert [dict(request.headers).get("Webhook-Test") for request in receiver.requests] == ["true"]
    assert queue.depth().waiting[Lane.FRESH] == 3
    assert queue.oldest_due(clock.now() + timedelta(hours=1)) == 0
    commands.resume(subscription.guid, by=actors["integrator"])
    engine.drain()
    assert [request.json()["Sequence"] for request in receiver.requests[1:]] == [2, 3, 4]


def test_in_order_holds_over_lanes_repairs_and_engines(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    subscription, _ = subscribe(webhook=1, in_order=True, retry_schedule=[1, 1, 1, 1])
    failing, passing = open_ticket(), open_ticket()
    second = Engine(ThreadTransport)
    with clock.frozen(clock.now()) as advance:
        receiver.script("/hook", status=500, times=2)
        for number in range(4):
            work.update(failing, by=actors["team member"], description=str(number))
        engine.step()
        receiver.wait_for(1)
        for number in range(4):
            work.update(passing, by=actors["team member"], description=str(number))
        for _ in range(6):
            for one in (engine, second):
                one.drain()
            advance(timedelta(seconds=7))
        assert not Queued.objects.exists()
        first_time = _sequences(receiver)
        for guid in (failing.guid, passing.guid):
            assert _without_repeats(first_time[str(guid)]) == [2, 3, 4, 5]
        assert first_time[str(failing.guid)].count(2) + first_time[str(passing.guid)].count(2) == 4
        receiver.requests.clear()
        replays.replay(subscription.guid, by=actors["integrator"], since=clock.now() - timedelta(days=1))
        running.turn(replays.LANE)
        work.update(failing, by=actors["team member"], description="after the replay")
        for _ in range(3):
            for one in (second, engine):
                one.drain()
    second.close()
    again = _sequences(receiver)
    assert again[str(failing.guid)] == [2, 3, 4, 5, 6]
    assert again[str(passing.guid)] == [2, 3, 4, 5]


def test_a_record_that_is_held_up_holds_up_no_other_and_nothing_spins(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=400, times=1)
    subscribe(webhook=1, in_order=True, retry_schedule=[600, 600, 600])
    held_up, other = open_ticket(), open_ticket()
    with clock.frozen(clock.now()):
        for number in range(20):
            work.update(held_up, by=actors["team member"], description=str(number))
        engine.drain()
        assert len(receiver.requests) == 1
        for number in range(5):
            work.update(other, by=actors["team member"], description=str(number))
        engine.drain()
        assert [request.json()["GUID"] for request in receiver.requests[1:]] == [str(other.guid)] * 5
        assert engine.step() is False
        assert engine.idle_for() == 1.0


def test_what_was_written_for_a_subscription_as_it_ended_while_paused_is_cancelled(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver
) -> None:
    subscription, _ = subscribe()
    Subscription.objects.filter(pk=subscription.pk).update(paused_at=clock.now())
    open_ticket()
    fanning.fan_out(clock.now())
    Subscription.objects.filter(pk=subscription.pk).update(ended_at=clock.now())
    engine.drain()
    assert receiver.requests == []
    assert Delivery.objects.get().state == State.CANCELLED
    assert not Queued.objects.exists()


def _sequences(receiver: Receiver) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for request in receiver.requests:
        found.setdefault(request.json()["GUID"], []).append(request.json()["Sequence"])
    return found


def _without_repeats(numbers: list[int]) -> list[int]:
    return [number for place, number in enumerate(numbers) if place == 0 or numbers[place - 1] != number]
