"""A robot polls for work beside three people; every action is worked off, each by exactly one of them."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from django.db import connections

from tests.doors.conftest import Caller
from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role, User
from workwire.kernel.actor import Actor, UserType
from workwire.outbox.models import Event
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import ResolutionMethod, WorkItem

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
ACTIONS = int(os.environ.get("WORKWIRE_TEST_ACTIONS", "200"))  # 1000 is the full story, too long for every run
ACTIONS_EACH = 50
PASSWORD = "4V7MJ6TGudVeZ0gY"


class Worker(NamedTuple):
    """Somebody who asks for work."""

    user: User
    password: str


def test_actions_are_worked_off_without_a_double_assignment(organisation: Organisation) -> None:
    customer = organisation.customers[0]
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    robot = organisation.accounts["robot"]
    workers = [
        Worker(robot.user, robot.password),
        *(_person(name, customer, admin) for name in ("anna", "bela", "cleo")),
    ]
    work.update_queue(customer.queue, members=[worker.user for worker in workers], by=admin)
    launched = _launch(customer, admin)
    with ThreadPoolExecutor(len(workers)) as pool:
        done = list(pool.map(_work_off, workers))

    given = Counter(guid for worked in done for guid in worked)
    assert set(given) >= launched
    assert set(given.values()) == {1}
    for worker, worked in zip(workers, done, strict=True):
        assert worked, f"{worker.user.username} got nothing"
        items = WorkItem.objects.filter(guid__in=worked)
        assert set(items.values_list("resolved_by", flat=True)) == {worker.user.pk}
    mine = WorkItem.objects.filter(guid__in=launched)
    assert set(mine.values_list("kind", "resolution_method")) == {
        (ProcessType.ACTION, ResolutionMethod.DONE_SUCCESSFULLY)
    }
    updates = Event.objects.filter(name="WorkItemUpdated", record_guid__in=launched).values_list(
        "record_guid", flat=True
    )
    assert set(Counter(updates).values()) == {2}  # taken once, resolved once


def _person(name: str, customer: Customer, admin: Actor) -> Worker:
    roles = list(Role.objects.filter(name="Team Member"))
    user = access.create_user(name, name.title(), roles, password=PASSWORD, by=admin)
    access.change_members(customer.group, add=[user], by=admin)
    return Worker(user, PASSWORD)


def _launch(customer: Customer, admin: Actor) -> set[str]:
    definition = customer.case_version.steps.get(number=0).actions.get()
    launched: set[str] = set()
    for number in range(ACTIONS // ACTIONS_EACH):
        case = work.create_case(customer.case_version.guid, by=admin, title=f"Onboard {number}", submit=True)
        made = work.launch_action(case, definition.guid, by=admin, times=ACTIONS_EACH)
        launched |= {str(action.guid) for action in made}
    return launched


def _work_off(worker: Worker) -> list[str]:
    """Get work and finish it until there is none, through the web API; returns the GUIDs in the order they were got."""
    try:
        robot = worker.user.user_type == UserType.ROBOT
        token = sessions.log_in(worker.user.username, worker.password, address="127.0.0.1")
        caller, worked = Caller(token), list[str]()
        while (answer := caller.webapi("Work/GetMoreWork")).status_code == 200:
            got = answer.json()
            assert not robot or got["ProcessType"] == "Action"
            worked.append(got["GUID"])
            ended = caller.webapi("Action/ResolveSuccessfully", {"GUID": got["GUID"], "Title": "", "Description": ""})
            assert ended.json()["Messages"] == [], ended.content
        assert answer.status_code == 204, answer.content
        return worked
    finally:
        connections.close_all()
