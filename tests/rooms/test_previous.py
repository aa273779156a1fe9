"""`Previous` names all that the last message of the same record said otherwise, whatever changed it: shown by chance."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import DomainError
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Envelope, event_types
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import DataField, FieldKind, Schedule
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries
from workwire.rooms.work.models import ResolutionMethod, Status, WorkItem
from workwire.worker import due_dates

ENVELOPE = set(Envelope.model_fields)
TOLD = (ObjectType.PACKET, ObjectType.COMPANY, ObjectType.SCHEDULE)


class Life:
    """What may happen next to a customer, a schedule, and the work of that customer."""

    def __init__(self, customer: Customer, by: Actor, chance: random.Random) -> None:
        self.customer, self.by, self.chance = customer, by, chance
        if not DataField.objects.filter(name="Amount").exists():
            offering.create_data_field("Amount", FieldKind.WHOLE_NUMBER, by=by)

    def goes_on(self) -> None:
        """Something happens, or is refused, which changes nothing."""
        deed = self.chance.choice(
            [
                self.rename,
                self.describe,
                self.change_schedule,
                self.open_ticket,
                self.open_case,
                self.change_item,
                self.change_item,
                self.move_item,
                self.move_item,
                self.move_item,
                self.time_passes,
            ]
        )
        with contextlib.suppress(DomainError):
            deed()

    def rename(self) -> None:
        parties.update_company(self.customer.company, name=f"Willow {self.chance.random()}", by=self.by)

    def describe(self) -> None:
        parties.update_company(self.customer.company, description=str(self.chance.random()), by=self.by)

    def change_schedule(self) -> None:
        changes = self.chance.choice(
            [{"name": f"Year {self.chance.random()}"}, {"description": str(self.chance.random())}]
        )
        offering.update_schedule(Schedule.objects.get(), by=self.by, **changes)  # type: ignore[arg-type]  # one of its keys

    def open_ticket(self) -> None:
        category = self.customer.ticket_version.categories.order_by("-level")[0].guid
        work.create_ticket(
            self.customer.ticket_version.guid,
            title="x",
            category_guid=category,
            submit=self.chance.random() < 0.7,
            by=self.by,
        )

    def open_case(self) -> None:
        work.create_case(self.customer.case_version.guid, title="x", submit=True, by=self.by)

    def change_item(self) -> None:
        soon = clock.now() + timedelta(days=self.chance.choice([0, 1, 400]), seconds=1)
        changes: dict[str, Any] = self.chance.choice(
            [
                {"title": str(self.chance.random())},
                {"description": str(self.chance.random())},
                {"custom_data": {"Amount": self.chance.randrange(9)}},
                {"due_date": soon},
            ]
        )
        work.update(self._item(), by=self.by, **changes)

    def move_item(self) -> None:
        move: Callable[[WorkItem], object] = self.chance.choice(
            [
                lambda item: work.submit(item, by=self.by),
                lambda item: work.take(item, by=self.by),
                lambda item: work.unassign(item, by=self.by),
                lambda item: work.wait_for_information(item, by=self.by),
                lambda item: work.information_arrived(item, by=self.by),
                lambda item: work.resolve(item, by=self.by),
                lambda item: work.complete_unsuccessfully(item, by=self.by),
                lambda item: work.reopen(item, by=self.by),
                lambda item: work.start_next_step(item, by=self.by),
                lambda item: work.launch_sub_case(item, self.customer.case_version.guid, "y", by=self.by),
                lambda item: work.resolve(item, by=self.by, method=ResolutionMethod.CANCELLED),
            ]
        )
        move(self._item())

    def time_passes(self) -> None:
        WorkItem.objects.filter(pk=self._item().pk).update(due_date=clock.now() - timedelta(seconds=1))
        due_dates.turn()

    def _item(self) -> WorkItem:
        return self.chance.choice(list(queries.items_visible_to(self.by).order_by("pk")[:30]))


@pytest.mark.parametrize("seed", range(6))
def test_a_body_with_its_previous_put_back_is_the_body_before(
    seed: int, first: Customer, actors: dict[str, Actor]
) -> None:
    life = Life(first, actors["administrator"], random.Random(seed))  # noqa: S311  # chance, not a secret
    life.open_ticket()
    for _ in range(60):
        life.goes_on()
    bodies: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for event in Event.objects.filter(record_type__in=TOLD).order_by("record_guid", "sequence"):
        bodies[event.record_guid].append(json.loads(event.body) | {"": event.name})
    compared = 0
    for told in bodies.values():
        for before, after in itertools.pairwise(told):
            keys = set(event_types()[after[""]].model_fields) - {"Previous"}
            assert {key: (after | after["Previous"])[key] for key in keys} == {key: before[key] for key in keys}
            assert all(after[key] != value for key, value in after["Previous"].items())
            compared += 1
    assert compared > 20


def test_a_customer_that_was_renamed_is_in_the_previous_of_the_next_change(
    first: Customer, actors: dict[str, Actor], open_ticket: Callable[..., WorkItem]
) -> None:
    by, ticket = actors["administrator"], open_ticket()
    parties.update_company(first.company, name="Borealis", by=by)
    with recorded() as found:
        work.update(ticket, description="more", by=by)
    assert (found.body["CustomerName"], found.body["Previous"]) == ("Borealis", {"CustomerName": "Willow Clinics"})


@pytest.fixture
def due(first: Customer, actors: dict[str, Actor]) -> WorkItem:
    """A ticket to do that is due in an hour."""
    by, category = actors["team member"], first.ticket_version.categories.order_by("-level")[0].guid
    ticket = work.create_ticket(first.ticket_version.guid, title="x", category_guid=category, submit=True, by=by)
    due_at(ticket, clock.now() + timedelta(hours=1))
    return ticket


def due_at(item: WorkItem, moment: datetime) -> None:
    """Set the due date past all commands, for commands take none that is over."""
    WorkItem.objects.filter(pk=item.pk).update(due_date=moment)


def test_a_due_date_that_passes_is_told_once_by_the_system(due: WorkItem) -> None:
    with recorded() as found:
        due_dates.turn()
    assert found.names == []
    due_at(due, clock.now() - timedelta(seconds=1))
    with recorded() as found:
        due_dates.turn()
        due_dates.turn()
    assert found.only.actor_id is None
    assert (found.only.name, found.body["RAGStatus"]) == ("WorkItemUpdated", -1)
    assert "RAGStatus" in found.body["Previous"]


def test_a_later_due_date_is_told_anew_when_it_passes(due: WorkItem, actors: dict[str, Actor]) -> None:
    due_at(due, clock.now() - timedelta(seconds=1))
    due_dates.turn()
    work.update(due, due_date=clock.now() + timedelta(days=3), by=actors["administrator"])
    due_at(due, clock.now() - timedelta(seconds=1))
    with recorded() as found:
        due_dates.turn()
    assert found.body["RAGStatus"] == -1


def test_a_change_that_shows_that_the_date_has_passed_is_the_telling(due: WorkItem, actors: dict[str, Actor]) -> None:
    due_at(due, clock.now() - timedelta(seconds=1))
    with recorded() as found:
        work.take(due, by=actors["team member"])
        due_dates.turn()
    assert found.body["RAGStatus"] == -1


@pytest.mark.parametrize("status", [Status.DRAFT, Status.WAITING, Status.RESOLVED, Status.CLOSED])
def test_what_is_paused_finished_or_a_draft_is_not_told(
    status: Status, due: WorkItem, actors: dict[str, Actor]
) -> None:
    by = actors["administrator"]
    if status == Status.WAITING:
        work.wait_for_information(due, by=by)
    elif status == Status.DRAFT:
        WorkItem.objects.filter(pk=due.pk).update(status=Status.DRAFT)
    else:
        work.resolve(due, by=by)
        WorkItem.objects.filter(pk=due.pk).update(status=status, closes_on=None)
    due_at(due, clock.now() - timedelta(seconds=1))
    with recorded() as found:
        due_dates.turn()
    assert found.names == []
    if status == Status.WAITING:
        with recorded() as found:
            work.information_arrived(due, by=SYSTEM)
            due_dates.turn()
        assert (found.body["RAGStatus"], found.body["Status"]) == (-1, 1)


def test_becoming_due_today_is_not_told(due: WorkItem, organisation: Organisation) -> None:
    due_at(due, clock.now() + timedelta(minutes=1))
    with recorded() as found:
        due_dates.turn()
    assert found.names == []
