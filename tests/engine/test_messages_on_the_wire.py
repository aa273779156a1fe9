"""What a subscriber receives: the documented body, headers and signature, in each format."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, fanning, messages, repair, rotation
from workwire.reactions.webhooks.models import Attempt, Delivery, State
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

DOCUMENTED = (
    "CustomerName SupplierName ContractName ServiceName ServiceLineName ProcessTypeName Reference Title Status "
    "DueDate ResolvedOn RAGStatus ProcessType StartedByMethod GUID EventID OccurredAt Sequence Epoch ChangedBy"
).split()


def test_a_created_ticket_arrives_signed(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine, receiver: Receiver
) -> None:
    subscription, secret = subscribe(header_name=" X-Team ", header_value=" operations ")
    ticket = open_ticket()
    engine.drain()
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert list(body) == DOCUMENTED
    assert body["GUID"] == str(ticket.guid)
    assert body["Title"] is None
    assert body["Status"] == 0
    assert body["RAGStatus"] == -2
    assert body["ProcessType"] == 2
    assert body["Sequence"] == 1
    assert body["CustomerName"] == "Willow Clinics"
    headers = {name.lower(): value for name, value in request.headers}
    assert request.method == "POST"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("Workwire/")
    assert headers["webhook-subscription"] == str(subscription.guid)
    assert headers["webhook-event"] == "PacketCreated"
    assert headers["webhook-attempt"] == "1"
    assert headers["x-team"] == "operations"
    assert "webhook-test" not in headers
    assert "webhook-replay" not in headers
    assert Webhook(secret).verify(request.body, headers) == body
    delivery = Delivery.objects.get()
    assert delivery.state == State.DELIVERED
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status) == (1, 204)
    assert "operations" not in json.dumps(messages.headers_of(attempt))
    assert headers["webhook-signature"] not in json.dumps(messages.headers_of(attempt))
    assert messages.headers_of(attempt)["Webhook-Id"] == headers["webhook-id"]


def test_a_body_tells_the_record_as_of_the_event(
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    subscribe()
    ticket = open_ticket(submit=False)
    Event.objects.get(name="WorkItemCreated")
    WorkItem.objects.filter(pk=ticket.pk).update(title="changed behind the ledger's back")
    engine.drain()
    assert json.loads(receiver.requests[0].body)["Title"] is None


def test_the_standard_format_wraps_the_body(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine, receiver: Receiver
) -> None:
    _, secret = subscribe(format="standard")
    open_ticket()
    engine.drain()
    (request,) = receiver.requests
    message = Webhook(secret).verify(request.body, dict(request.headers))
    assert list(message) == ["type", "timestamp", "data"]
    assert message["type"] == "PacketCreated"
    assert message["timestamp"] == message["data"]["OccurredAt"]


def test_what_waits_while_the_webhook_changes_is_told_as_what_it_is(
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    subscription, _ = subscribe(format="standard")
    ticket = open_ticket()
    fanning.fan_out(clock.now())
    commands.update(subscription.guid, by=actors["integrator"], webhook=1)
    work.update(ticket, by=actors["team member"], title="Another")
    engine.drain()
    told = {request.json()["type"]: dict(request.headers)["Webhook-Event"] for request in receiver.requests}
    assert told == {"PacketCreated": "PacketCreated", "PacketUpdated": "PacketUpdated"}
    logged = [messages.headers_of(attempt)["Webhook-Event"] for attempt in Attempt.objects.order_by("delivery")]
    assert logged == ["PacketCreated", "PacketUpdated"]


def test_the_cloudevents_format_is_read_by_the_sdk(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine, receiver: Receiver
) -> None:
    subscribe(format="cloudevents")
    ticket = open_ticket()
    engine.drain()
    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request.headers}
    event = from_http(HTTPMessage(headers=headers, body=request.body), JSONFormat())
    assert event.get_specversion() == "1.0"
    assert event.get_type() == "workwire.PacketCreated"
    assert event.get_subject() == str(ticket.guid)
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["EventID"] == event.get_id()


def test_a_simulated_message_is_marked_as_a_test(
    subscribe: Subscribe, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    subscription, secret = subscribe(webhook=1)
    delivery = repair.simulate(subscription.guid, by=actors["integrator"])
    engine.drain()
    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request.headers}
    assert headers["webhook-test"] == "true"
    body = Webhook(secret).verify(request.body, headers)
    assert "Previous" in body
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED


def test_a_failed_simulation_is_not_retried(
    subscribe: Subscribe, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    receiver.script("/hook", status=500)
    subscription, _ = subscribe()
    delivery = repair.simulate(subscription.guid, by=actors["integrator"])
    engine.drain()
    delivery.refresh_from_db()
    assert delivery.state == State.GAVE_UP
    assert len(receiver.requests) == 1


def test_after_rotation_both_secrets_verify_until_the_overlap_ends(
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    engine: Engine,
    receiver: Receiver,
    actors: dict[str, Actor],
) -> None:
    subscription, old = subscribe()
    _, new = rotation.rotate_secret(subscription.guid, by=actors["integrator"])
    open_ticket()
    engine.drain()
    (request,) = receiver.requests
    headers = dict(request.headers)
    assert Webhook(old).verify(request.body, headers) == Webhook(new).verify(request.body, headers)
    assert len(headers["Webhook-Signature"].split(" ")) == 2


@pytest.mark.parametrize("webhook", range(6))
def test_every_webhook_has_a_sample_that_can_be_sent(webhook: int, db: None) -> None:
    from workwire.outbox.registry import webhooks
    from workwire.reactions.webhooks import catalogue

    hook = webhooks()[webhook]
    assert set(messages.sample(hook)) == set(catalogue.schema(hook)["properties"])
