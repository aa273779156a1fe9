"""Robots that are suspended for a while: given nothing new by any way, and otherwise as they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.doors.conftest import Caller, caller
from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.access.models import User
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.reactions.webhooks.models import Subscription
from workwire.rooms.offering.models import ActionDefinition
from workwire.rooms.work import commands as work
from workwire.rooms.work import obtaining, queries
from workwire.rooms.work.models import WorkItem

__all__ = ["caller"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def robot(organisation: Organisation) -> User:
    """The robot."""
    return organisation.accounts["robot"].user


def launched(first: Customer, by: Actor, times: int = 1) -> list[WorkItem]:
    case = work.create_case(first.case_version.guid, by=by, title="Budget", submit=True)
    (definition, *_) = queries.launchable_actions(case.guid, by=by)
    return work.launch_action(case, definition.guid, by=by, times=times)


def test_a_suspended_robot_gets_nothing_until_it_works_again(
    first: Customer, admin: Actor, robot: User, actors: dict[str, Actor]
) -> None:
    """work-manager ASG-17."""
    by, (mine, other) = actors["robot"], launched(first, admin, 2)
    work.take(mine, by=by)
    access.set_suspended(robot, True, by=admin)
    assert not obtaining.is_work_available(by)
    assert work.get_more_work(by=by) is None
    with pytest.raises(Forbidden) as taking:
        work.take(other, by=by)
    with pytest.raises(Forbidden):
        work.update(other, by=by, description="By editing")
    with pytest.raises(Invalid) as giving:
        work.assign(other, robot, by=admin)
    assert (taking.value.code, giving.value.code) == ("robot_suspended", "robot_suspended")
    work.update(mine, by=by, description="What it has it finishes")
    work.resolve(mine, by=by)
    access.set_suspended(robot, False, by=admin)
    assert obtaining.is_work_available(by)
    assert work.take(other, by=by).assignee_id == robot.pk


def test_rules_pass_a_suspended_robot_over_and_say_so(first: Customer, admin: Actor, robot: User) -> None:
    """work-manager ASG-17."""
    ActionDefinition.objects.update(person=robot)
    (before,) = launched(first, admin)
    access.set_suspended(robot, True, by=admin)
    (after,) = launched(first, admin)
    assert (before.assignee_id, after.assignee_id) == (robot.pk, None)
    tried = [one["parameters"].get("why") for one in (after.assignment or {})["tried"]]
    assert "robot_suspended" in tried


def test_a_robot_that_is_suspended_keeps_what_it_has(
    first: Customer, admin: Actor, robot: User, actors: dict[str, Actor], caller: Callable[[str], Caller]
) -> None:
    (mine,) = launched(first, admin)
    work.take(mine, by=actors["robot"])
    webhooks = list(Subscription.objects.order_by("pk").values())
    acts = caller("robot")
    assert acts.api("GET", "/me").status_code == 200
    access.set_suspended(robot, True, by=admin)
    assert acts.api("GET", "/me").status_code == 200
    assert WorkItem.objects.get(pk=mine.pk).assignee_id == robot.pk
    assert list(Subscription.objects.order_by("pk").values()) == webhooks


def test_it_is_who_manages_accounts_that_suspends_robots_and_no_people(
    organisation: Organisation, robot: User, caller: Callable[[str], Caller]
) -> None:
    """work-manager ASG-17."""
    admin, person = caller("administrator"), organisation.accounts["team member"].user
    told = admin.api("PATCH", f"/users/{robot.guid}", {"suspended": True}).json()
    assert (told["suspended"], told["active"]) == (True, True)
    assert admin.api("PATCH", f"/users/{robot.guid}", {"suspended": False}).json()["suspended"] is False
    assert admin.api("PATCH", f"/users/{person.guid}", {"suspended": True}).json()["code"] == "suspended_no_robot"
    assert caller("team member").api("PATCH", f"/users/{robot.guid}", {"suspended": True}).status_code == 403
