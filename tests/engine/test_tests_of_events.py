"""What an event told, sent as a test: by the rights of a real message, marked, in the log, and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from standardwebhooks import Webhook

from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.kernel import ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, NotFound
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import log, queries, repair, rights
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State, Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

OpenTicket = Callable[..., WorkItem]
ONE = "process builder of one company"


def _told_of(item: WorkItem) -> Event:
    return Event.objects.filter(record_guid=item.guid, name="WorkItemCreated").latest("pk")


def _of_everything(subscribe: Subscribe, by: str = ONE) -> Subscription:
    return subscribe(by=by, filter_type=ObjectType.NONE, filter_guid=None)[0]


def _lose_sight(organisation: Organisation, actors: dict[str, Actor], customer: Customer) -> None:
    user = organisation.accounts[ONE].user
    access.change_members(customer.group, remove=[user], by=actors["administrator"])


def test_it_carries_what_the_event_told_and_is_marked_and_logged(
    subscribe: Subscribe, open_ticket: OpenTicket, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    subscription, secret = subscribe()
    ticket = open_ticket()
    engine.drain()
    event = _told_of(ticket)
    test = repair.simulate(subscription.guid, by=actors["integrator"], event_guid=event.guid)
    engine.drain()
    real, tried = receiver.requests
    headers = {name.lower(): value for name, value in tried.headers}
    body = Webhook(secret).verify(tried.body, headers)
    assert headers["webhook-test"] == "true"
    assert headers["webhook-id"] != dict(real.headers)["Webhook-Id"]
    assert "webhook-test" not in {name.lower() for name, _ in real.headers}
    assert body.pop("EventID") != real.json()["EventID"]
    assert body == {name: value for name, value in real.json().items() if name != "EventID"}
    found = log.page(actors["integrator"], log.Wish(record_guid=ticket.guid)).rows
    assert [one.guid for one in found] == [test.guid, Delivery.objects.get(event=event).guid]
    assert queries.attempts(found[0]).get().status == 204
    assert Event.objects.filter(name="MessageSimulated", record_guid=subscription.guid).count() == 1


def test_it_is_refused_where_the_message_would_not_be_sent(
    subscribe: Subscribe, open_ticket: OpenTicket, actors: dict[str, Actor], second: Customer
) -> None:
    subscription, _ = subscribe()
    of_another = _told_of(open_ticket(second))
    with pytest.raises(Conflict, match="would not be sent"):
        repair.simulate(subscription.guid, by=actors["integrator"], event_guid=of_another.guid)
    with pytest.raises(NotFound):
        repair.simulate(subscription.guid, by=actors["integrator"], event_guid=ids.new_guid())
    mine = _told_of(open_ticket())
    with pytest.raises(NotFound):
        repair.simulate(subscription.guid, by=actors[ONE], event_guid=mine.guid)
    with pytest.raises(Forbidden):
        repair.simulate(subscription.guid, by=actors["team member"], event_guid=mine.guid)
    assert not Delivery.objects.exists()


def test_what_the_owner_may_not_see_is_not_found_even_by_an_administrator(
    organisation: Organisation,
    subscribe: Subscribe,
    open_ticket: OpenTicket,
    actors: dict[str, Actor],
    second: Customer,
) -> None:
    subscription = _of_everything(subscribe)
    event = _told_of(open_ticket(second))
    assert repair.explain(subscription.guid, by=actors["administrator"], event_guid=event.guid).would_be_sent
    _lose_sight(organisation, actors, second)
    with pytest.raises(NotFound):
        repair.simulate(subscription.guid, by=actors["administrator"], event_guid=event.guid)
    assert not Delivery.objects.exists()


def test_sight_that_is_lost_after_it_was_asked_for_withholds_it_and_hides_what_was_sent(
    organisation: Organisation,
    subscribe: Subscribe,
    open_ticket: OpenTicket,
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
    second: Customer,
) -> None:
    ticket = open_ticket(second)
    engine.drain()
    subscription, event = _of_everything(subscribe), _told_of(ticket)
    sent = repair.simulate(subscription.guid, by=actors[ONE], event_guid=event.guid)
    engine.drain()
    assert len(receiver.requests) == 1
    waits = repair.simulate(subscription.guid, by=actors[ONE], event_guid=event.guid)
    _lose_sight(organisation, actors, second)
    engine.drain()
    assert len(receiver.requests) == 1
    waits.refresh_from_db()
    assert (waits.state, waits.end_reason) == (State.WITHHELD, rights.RECORD_INVISIBLE)
    with pytest.raises(NotFound):
        queries.delivery(sent.guid, by=actors[ONE])
    assert queries.delivery(waits.guid, by=actors[ONE]).content_visible is False  # type: ignore[attr-defined] # annotated by the query
    assert log.page(actors[ONE], log.Wish(record_guid=ticket.guid)).rows == []
    repair.resend(sent.guid, by=actors["administrator"])
    engine.drain()
    sent.refresh_from_db()
    assert (sent.state, sent.end_reason) == (State.WITHHELD, rights.RECORD_INVISIBLE)
    assert len(receiver.requests) == 1


def test_it_waits_for_no_message_of_its_record_and_lets_none_wait(
    subscribe: Subscribe, open_ticket: OpenTicket, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=503, times=1)
    subscription, _ = subscribe(webhook=1, in_order=True)
    ticket = open_ticket()
    work.update(ticket, by=actors["team member"], title="Changed")
    engine.drain()
    waiting = Queued.objects.get(subscription=subscription)
    assert (waiting.lane, waiting.in_order) == (Lane.RETRY, True)
    event = Event.objects.filter(record_guid=ticket.guid, name="WorkItemUpdated").latest("pk")
    test = repair.simulate(subscription.guid, by=actors["integrator"], event_guid=event.guid)
    assert not Queued.objects.get(delivery=test).in_order
    engine.drain()
    test.refresh_from_db()
    assert test.state == State.DELIVERED
    assert len(receiver.requests) == 2
