"""What a receiver can prove: the digest of a day, what a gap stands for, where the ledger has got to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections, transaction

from tests.support.environment import ON_POSTGRES
from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, Limited
from workwire.outbox import ledger
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, reconciling
from workwire.reactions.webhooks.models import Delivery, State
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


def _digest_of(receiver: Receiver) -> tuple[int, str]:
    """As a receiver computes it from what it got."""
    ids = sorted({request.json()["EventID"] for request in receiver.requests})
    return len(ids), hashlib.sha256("".join(f"{one}\n" for one in ids).encode()).hexdigest()


def test_a_receiver_that_got_everything_has_the_same_digest(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    subscription, _ = subscribe()
    for _ in range(5):
        open_ticket()
    engine.drain()
    (day,) = reconciling.digests(subscription.guid, by=actors["integrator"])
    assert (day.count, day.sha256) == _digest_of(receiver)
    assert day.day == clock.now().date()
    receiver.requests.pop()
    assert (day.count, day.sha256) != _digest_of(receiver)


def test_days_are_told_apart_and_a_range_is_bounded(
    subscribe: Subscribe, open_ticket: Open, actors: dict[str, Actor]
) -> None:
    subscription, _ = subscribe()
    now = clock.now()
    with clock.frozen(now) as advance:
        for _ in range(3):
            open_ticket()
            advance(timedelta(days=1))
        days = list(reconciling.digests(subscription.guid, by=actors["integrator"]))
        assert [day.day for day in days] == [(now + timedelta(days=number)).date() for number in range(3)]
        assert {day.count for day in days} == {1}
        one = reconciling.digests(
            subscription.guid, by=actors["integrator"], since=now + timedelta(hours=12), until=now + timedelta(hours=36)
        )
        assert [day.day for day in one] == [days[1].day]
    with pytest.raises(Invalid):
        reconciling.digests(subscription.guid, by=actors["integrator"], since=now - timedelta(days=40), until=now)


def test_a_digest_counts_what_came_before_the_subscription_and_behind_its_position(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
    first: Customer,
) -> None:
    owner = actors["integrator"]
    open_ticket()
    place = ledger.position()
    open_ticket()
    terms = commands.Terms(0, receiver.url("/hook"), ObjectType.COMPANY, first.company.guid)
    begun, _ = commands.subscribe(terms, by=owner, after=place)
    open_ticket()
    engine.drain()
    for after in (0, place):
        (day,) = reconciling.digests(begun.guid, by=owner, after=after)
        assert (day.count, day.sha256) == _digest_of(receiver) == (2, day.sha256)
    later, _ = subscribe()
    assert list(reconciling.digests(later.guid, by=owner)) == []
    assert [day.count for day in reconciling.digests(later.guid, by=owner, after=place)] == [2]


def test_a_digest_is_the_owners_view(
    organisation: Organisation,
    subscribe: Subscribe,
    open_ticket: Open,
    second: Customer,
    actors: dict[str, Actor],
) -> None:
    everything, _ = subscribe(filter_type=ObjectType.NONE, filter_guid=None)
    of_company, _ = subscribe()
    open_ticket()
    open_ticket(second)
    owner = actors["integrator"]
    assert [day.count for day in reconciling.digests(everything.guid, by=owner)] == [2]
    user = organisation.accounts["integrator"].user
    access.change_members(organisation.customers[0].group, remove=[user], by=actors["administrator"])
    assert [day.count for day in reconciling.digests(everything.guid, by=owner)] == [1]
    assert [day.count for day in reconciling.digests(everything.guid, by=actors["administrator"])] == [1]
    with pytest.raises(Conflict):
        reconciling.digests(of_company.guid, by=owner)


def test_a_gap_is_explained_number_by_number(
    organisation: Organisation,
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    subscription, _ = subscribe(webhook=1)
    ticket = open_ticket()
    for title in ("Two", "Three", "Four"):
        work.update(ticket, by=actors["team member"], title=title)
    engine.drain()
    Delivery.objects.filter(event__sequence=3).update(state=State.GAVE_UP, end_reason="tried_enough")
    owner = actors["integrator"]
    told = reconciling.of_record(subscription.guid, ticket.guid, by=owner)
    assert [(one.sequence, one.wanted, one.state) for one in told] == [
        (1, False, None),
        (2, True, State.DELIVERED),
        (3, True, State.GAVE_UP),
        (4, True, State.DELIVERED),
    ]
    between = reconciling.of_record(subscription.guid, ticket.guid, by=owner, first=2, last=3)
    assert [one.sequence for one in between] == [2, 3]
    user = organisation.accounts["integrator"].user
    access.change_members(organisation.customers[0].group, remove=[user], by=actors["administrator"])
    assert reconciling.of_record(subscription.guid, ticket.guid, by=owner) == []


def test_who_sees_all_records_is_told_nothing_of_accounts_and_subscriptions_of_others(
    organisation: Organisation, subscribe: Subscribe, open_ticket: Open, actors: dict[str, Actor]
) -> None:
    mine, _ = subscribe(by="process builder")
    others, _ = subscribe()
    ticket, person = open_ticket(), organisation.accounts["team member"].user
    owner = actors["process builder"]
    assert len(reconciling.of_record(mine.guid, ticket.guid, by=owner)) == 1
    for guid in (others.guid, person.guid):
        assert Event.objects.filter(record_guid=guid).exists()
        assert reconciling.of_record(mine.guid, guid, by=owner) == []


@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_position_waits_for_who_may_hold_an_earlier_place(open_ticket: Open) -> None:
    recorded, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            open_ticket()
            recorded.set()
            go_on.wait(10)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    recorded.wait(10)
    open_ticket()  # takes a later place and commits first
    later = Event.objects.latest("id").pk
    with pytest.raises(Limited):
        ledger.position(patience=0.1)
    threading.Timer(0.2, go_on.set).start()
    assert ledger.position() == later
    thread.join()
    assert Event.objects.filter(pk__lte=later).count() == later - (Event.objects.earliest("id").pk - 1)
