"""To whom new work goes: the first of two people and of the holders of two job positions who may have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.organisation import Customer
from workwire.access import commands as access
from workwire.access.models import User
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import ProcessVersion
from workwire.rooms.work import commands, positions_held
from workwire.rooms.work.models import WorkItem


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def ticket(first: Customer, admin: Actor) -> Callable[..., WorkItem]:
    """Make a submitted ticket of a version with an allocation."""

    def make(**allocated: object) -> WorkItem:
        ProcessVersion.objects.filter(pk=first.ticket_version.pk).update(**allocated)
        wished = {"title": "Invoice", "category_guid": first.category.guid}
        return commands.create_ticket(first.ticket_version.guid, by=admin, submit=True, **wished)

    return make


def test_the_second_person_gets_what_the_first_may_not_have(
    ticket: Callable[..., WorkItem], hire: Callable[[str], User], admin: Actor, first: Customer
) -> None:
    """work-manager ASG-11."""
    gone, nora = hire("gone"), hire("nora")
    access.set_active(gone, False, by=admin)
    made = ticket(person=gone, secondary_person=nora)
    assert (made.assignee_id, made.queue_id) == (nora.pk, first.queue.pk)


def test_of_the_holders_of_a_position_the_one_with_the_fewest_items_gets_it(
    ticket: Callable[..., WorkItem], hire: Callable[[str], User], admin: Actor, first: Customer
) -> None:
    """work-manager ASG-12."""
    blind, busy, idle = hire("blind"), hire("busy"), hire("idle")
    access.change_members(first.group, remove=[blind], by=admin)
    commands.assign(ticket(), busy, by=admin)
    position = commands.create_job_position("Clerk", holders=[blind, busy, idle], by=admin)
    assert [ticket(job_position=position).assignee_id for _ in range(4)] == [idle.pk, busy.pk, idle.pk, busy.pk]
    commands.update_job_position(position, retired=True, by=admin)
    assert ticket().assignee_id is None
    other = commands.create_job_position("Deputy", holders=[blind, busy], by=admin)
    assert ticket(secondary_job_position=other).assignee_id == busy.pk


def test_what_is_retired_is_allocated_to_by_no_new_version(
    hire: Callable[[str], User], admin: Actor, first: Customer
) -> None:
    position = commands.create_job_position("Clerk", by=admin)
    commands.update_job_position(position, retired=True, by=admin)
    position.refresh_from_db()
    with pytest.raises(Invalid) as refusal:
        offering.create_version(
            first.ticket_version.process, allocation=offering.Allocation(job_position=position), by=admin
        )
    assert (refusal.value.code, refusal.value.field) == ("job_position_retired", "job_position")


def test_job_positions_are_held_by_who_works_and_changed_by_who_configures_queues(
    actors: dict[str, Actor], hire: Callable[[str], User], admin: Actor
) -> None:
    nora, person = hire("nora"), actors["team member"]
    position = commands.create_job_position("Clerk", holders=[nora], by=admin)
    with pytest.raises(Forbidden):
        positions_held.job_positions(by=person)
    with pytest.raises(Forbidden):
        commands.update_job_position(position, holders=[], by=person)
    with pytest.raises(Conflict):
        commands.update_job_position(position, holders=[], version=9, by=admin)
    assert commands.update_job_position(position, holders=[], by=admin).holders.count() == 0
