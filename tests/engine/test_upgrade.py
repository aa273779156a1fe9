"""What waited before the queue became a table of its own waits afterwards, and is sent; what had ended has its reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import clock, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("webhooks", "0002_filter_type_without_choices")
DUE, SENDING, DELIVERED, WITHHELD, GAVE_UP, CANCELLED = range(6)


def _back(target: tuple[str, str]) -> Any:
    """Undo migrations, and tell the models of that state."""
    MigrationExecutor(connection).migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


def _forward() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def newest(transactional_db: None) -> Iterator[None]:
    """Afterwards all migrations are applied again, whatever happened."""
    yield
    _forward()


def test_the_queue_moves_into_its_table(
    newest: None, subscribe: Subscribe, open_ticket: Any, receiver: Receiver, engine: Engine
) -> None:
    subscription, _ = subscribe(in_order=True)
    tickets: list[WorkItem] = [open_ticket() for _ in range(6)]
    engine.drain()
    events = {event.record_guid: event for event in Event.objects.filter(name="WorkItemCreated")}
    Delivery.objects.all().delete()
    receiver.requests.clear()
    now, holder = clock.now(), ids.new_guid()
    states = [DUE, SENDING, DELIVERED, WITHHELD, GAVE_UP, CANCELLED]

    old = _back(BEFORE).get_model("webhooks", "Delivery")
    for ticket, state in zip(tickets, states, strict=True):
        old.objects.create(
            subscription_id=subscription.pk,
            event_id=events[ticket.guid].pk,
            record_guid=ticket.guid,
            state=state,
            lane=Lane.RETRY if state == DUE else Lane.FRESH,
            tries=3 if state == DUE else 0,
            attempts=3,
            due_at=now - timedelta(seconds=1),
            claimed_by=holder if state == SENDING else None,
            withheld_reason="record_not_visible" if state == WITHHELD else "",
            finished_at=None if state in (DUE, SENDING) else now,
        )
    _forward()

    places = list(Queued.objects.order_by("delivery_id").values("lane", "tries", "claimed_by", "in_order", "due_at"))
    due_at = now - timedelta(seconds=1)
    assert places == [
        {"lane": Lane.RETRY, "tries": 3, "claimed_by": None, "in_order": True, "due_at": due_at},
        {"lane": Lane.FRESH, "tries": 0, "claimed_by": holder, "in_order": True, "due_at": due_at},
    ]
    assert list(Delivery.objects.order_by("id").values_list("state", "end_reason", "attempts")) == [
        (State.DUE, "", 3),
        (State.DUE, "", 3),
        (State.DELIVERED, "", 3),
        (State.WITHHELD, "record_not_visible", 3),
        (State.GAVE_UP, "tried_enough", 3),
        (State.CANCELLED, "unsubscribed", 3),
    ]
    with clock.frozen(clock.now()) as advance:  # past the lease of the worker that was stopped for the upgrade
        advance(timedelta(minutes=2))
        engine.drain()
        advance(timedelta(minutes=2))
        engine.drain()
    assert {request.json()["GUID"] for request in receiver.requests} == {str(ticket.guid) for ticket in tickets[:2]}
    assert not Queued.objects.exists()
