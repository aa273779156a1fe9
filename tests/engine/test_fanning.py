"""An event that cannot be fanned out is put aside: it stops no other, is not lost, and is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DataError, transaction

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox import feeds
from workwire.outbox.models import Event, Pending
from workwire.reactions.webhooks import fanning, matching, queue
from workwire.reactions.webhooks.matching import Place
from workwire.reactions.webhooks.models import Delivery, Lane, State
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


@pytest.fixture
def odd(open_ticket: Open, subscribe: Subscribe, actors: dict[str, Actor]) -> WorkItem:
    """The third of five tickets, which changed since; its creation is pending, as are all."""
    fanning.fan_out(clock.now())
    subscribe()
    subscribe(webhook=1)
    tickets = [open_ticket(title=f"Ticket {number}") for number in range(5)]
    work.update(tickets[2], by=actors["team member"], title="Changed")
    return tickets[2]


@pytest.fixture
def stumbling(odd: WorkItem, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Matching stumbles over the creation of that ticket, until this is undone."""
    keys_of = matching.keys_of

    def stumble(event: Event | Place) -> list[tuple[int, str]]:
        if event.record_guid == odd.guid and event.name == "WorkItemCreated":
            raise KeyError("an event of a kind nobody knows")
        return keys_of(event)

    monkeypatch.setattr(matching, "keys_of", stumble)
    return monkeypatch


def test_an_event_that_cannot_be_matched_stops_no_other_and_is_tried_again(
    odd: WorkItem,
    stumbling: pytest.MonkeyPatch,
    engine: Engine,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with clock.frozen(clock.now()) as advance, caplog.at_level(logging.ERROR):
        engine.drain()
        assert len(receiver.requests) == 5  # the others, and the later event of its own record
        left = Pending.objects.get()
        assert (left.event.record_guid, left.aside_until) == (odd.guid, clock.now() + feeds.SHORTEST_ASIDE)
        told = [record for record in caplog.records if "is put aside" in record.message]
        assert len(told) == 1
        assert told[0].exc_info is not None
        assert queue.ages(clock.now()).pending >= 0
        advance(timedelta(seconds=59))
        assert fanning.fan_out(clock.now()) == 0
        assert len([record for record in caplog.records if "is put aside" in record.message]) == 1
        advance(timedelta(minutes=10))
        assert fanning.fan_out(clock.now()) == 0
        left.refresh_from_db()
        assert left.aside_until is not None
        assert left.aside_until > clock.now() + timedelta(minutes=10)
        assert queue.ages(clock.now()).pending >= 600
        stumbling.undo()
        advance(timedelta(hours=1))
        engine.drain()
    assert not Pending.objects.exists()
    assert len(receiver.requests) == 6
    assert not Delivery.objects.exclude(state=State.DELIVERED).exists()


def test_where_all_are_wrong_few_are_put_aside_at_a_time(odd: WorkItem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_ASIDE", 2)
    monkeypatch.setattr(matching, "keys_of", lambda event: {}[event.name])
    for aside in (2, 4, 6, 6):
        assert fanning.fan_out(clock.now()) == 0
        assert Pending.objects.filter(aside_until__isnull=False).count() == aside
    monkeypatch.undo()
    with clock.frozen(clock.now() + timedelta(hours=1)):
        assert fanning.fan_out(clock.now()) == 6


def test_an_event_whose_deliveries_cannot_be_written_stops_no_other(
    odd: WorkItem, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, add = Event.objects.get(name="WorkItemCreated", record_guid=odd.guid).pk, queue.add

    def refuse(wanted: list[tuple[int, int, object, Lane]], *when: object, **more: object) -> list[int]:
        made = add(wanted, *when, **more)  # type: ignore[arg-type] # passed on
        if event in {row[1] for row in wanted}:
            raise DataError("a row that cannot be written")
        return made

    monkeypatch.setattr(queue, "add", refuse)
    engine.drain()
    assert len(receiver.requests) == 5
    assert Pending.objects.get().event_id == event
    assert Delivery.objects.count() == 5


def test_no_event_passes_one_of_its_record_that_did_not_fit_into_the_batch(
    odd: WorkItem, stumbling: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanning, "MOST_DELIVERIES", 1)
    rounds = 0
    while fanning.fan_out(clock.now()):
        rounds += 1
    assert rounds > 1
    events = list(Delivery.objects.order_by("pk").values_list("event_id", flat=True))
    assert len(events) == 5
    assert events == sorted(events)


def test_a_bulk_event_put_aside_does_not_hold_up_its_record(
    odd: WorkItem, stumbling: pytest.MonkeyPatch, actors: dict[str, Actor]
) -> None:
    Pending.objects.filter(event__name="WorkItemCreated", event__record_guid=odd.guid).update(in_bulk=True)
    fanning.fan_out(clock.now())
    work.update(odd, by=actors["team member"], title="Changed again")
    assert fanning.fan_out(clock.now()) == 1
    assert Delivery.objects.filter(record_guid=odd.guid, queued__lane=Lane.FRESH).count() == 2


def test_what_is_no_bulk_change_goes_first_but_not_before_its_own_record(
    odd: WorkItem, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanning, "MOST_EVENTS", 3)
    pending = list(Pending.objects.order_by("pk").values_list("pk", flat=True))
    assert len(pending) == 6
    assert Event.objects.get(pk=pending[5]).record_guid == Event.objects.get(pk=pending[2]).record_guid == odd.guid
    Pending.objects.filter(pk__in=pending[:3]).update(in_bulk=True)
    assert _fanned_out() == [pending[0], *pending[3:5]]
    Pending.objects.filter(pk=pending[2]).update(aside_until=clock.now() + timedelta(hours=1))
    assert _fanned_out() == pending[3:]


def _fanned_out() -> list[int]:
    """The events that a round of fan-out takes, which is taken back."""
    before = set(Pending.objects.values_list("pk", flat=True))
    with transaction.atomic():
        fanning.fan_out(clock.now())
        taken = before - set(Pending.objects.values_list("pk", flat=True))
        transaction.set_rollback(True)
    return sorted(taken)
