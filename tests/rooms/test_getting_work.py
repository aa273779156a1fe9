"""Queues and getting work: to whom, in which order, within which limits, and one winner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tests.conftest import ON_POSTGRES
from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role, User
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.rooms.work import commands, obtaining, queries
from workwire.rooms.work.models import Queue, Status, WorkItem
from workwire.rooms.work.policy import MOST_ROBOT_ASSIGNMENTS


@pytest.fixture
def person(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def robot(actors: dict[str, Actor]) -> Actor:
    """The robot."""
    return actors["robot"]


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator, in no queue."""
    return actors["administrator"]


def _launched(customer: Customer, by: Actor, times: int) -> list[WorkItem]:
    """Actions that wait in the queue of a case in which nothing else does."""
    case = commands.create_case(customer.case_version.guid, by=by, title="Onboard", submit=True)
    WorkItem.objects.filter(parent=case.pk).update(queue=None)
    definition = customer.case_version.steps.get(number=0).actions.get()
    return commands.launch_action(case, definition.guid, by=by, times=times)


def _set(item: WorkItem, **columns: object) -> None:
    WorkItem.objects.filter(pk=item.pk).update(**columns)


def _got(by: Actor) -> list[int]:
    """What somebody gets, one after the other, until there is nothing more."""
    found = []
    while (item := commands.get_more_work(by=by)) is not None:
        found.append(item.pk)
    return found


def test_the_most_overdue_comes_first_then_what_robots_rejected_then_the_soonest_due(
    first: Customer, person: Actor, admin: Actor
) -> None:
    now = clock.now()
    late, later, rejected_far, rejected_near, soon, far, never = _launched(first, admin, 7)
    _set(late, due_date=now - timedelta(days=2))
    _set(later, due_date=now - timedelta(days=1))
    _set(rejected_far, due_date=now + timedelta(days=9), robot_rejected=True)
    _set(rejected_near, due_date=now + timedelta(days=8), robot_rejected=True)
    _set(soon, due_date=now + timedelta(days=1))
    _set(far, due_date=now + timedelta(days=2))
    _set(never, due_date=None)
    expected = [item.pk for item in (late, later, rejected_near, rejected_far, soon, far, never)]
    assert _got(person) == expected


def test_work_of_several_queues_is_got_in_one_order(
    first: Customer, second: Customer, person: Actor, admin: Actor, organisation: Organisation
) -> None:
    now, random = clock.now(), Random(7)  # noqa: S311 - no secret
    user = organisation.accounts["team member"].user
    commands.update_queue(second.queue, members=[user], by=admin)
    launched = _launched(first, admin, 24)
    for item in launched:
        days = random.choice((None, -3, -2, -1, 1, 2, 3))
        due = None if days is None else now + timedelta(days=days, seconds=random.choice((0, 60)))
        queue = random.choice((first.queue, second.queue))
        _set(item, due_date=due, robot_rejected=random.random() < 0.3, queue=queue)
    expected = list(obtaining.obtainable(person, clock.now()).values_list("pk", flat=True))
    assert len(expected) == 24
    assert _got(person) == expected


@pytest.mark.skipif(
    ON_POSTGRES, reason="its planner reads tables as small as these whole; `bench/run` measures large ones"
)
def test_what_comes_first_is_looked_up_along_an_index(first: Customer, person: Actor, admin: Actor) -> None:
    _launched(first, admin, 3)
    with CaptureQueriesContext(connection) as found:
        assert len(obtaining.firsts_of_queues(person, clock.now())) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {found[-1]['sql']}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert plan.count("item_to_get") == 3
    assert plan.count("item_rejected_to_get") == 1


def test_getting_work_assigns_it_and_is_one_event(first: Customer, person: Actor, admin: Actor) -> None:
    (action,) = _launched(first, admin, 1)
    assert obtaining.is_work_available(person)
    with recorded() as found:
        item = commands.get_more_work(by=person)
    assert item is not None
    assert (item.pk, item.status, item.assignee_id) == (action.pk, Status.IN_PROGRESS, person.user_id)
    assert found.only.name == "WorkItemUpdated"
    assert not obtaining.is_work_available(person)
    with recorded() as found:
        assert commands.get_more_work(by=person) is None
    assert found.events == []


def test_nobody_gets_work_from_a_queue_it_is_not_in_or_that_it_may_not_see(
    first: Customer, person: Actor, admin: Actor, organisation: Organisation
) -> None:
    _launched(first, admin, 1)
    assert commands.get_more_work(by=admin) is None  # sees all, is in no queue
    user = organisation.accounts["team member"].user
    access.change_members(first.group, remove=[user], by=admin)
    assert commands.get_more_work(by=person) is None  # is in the queue, sees nothing of the customer
    access.change_members(first.group, add=[user], by=admin)
    commands.update_queue(first.queue, members=[], by=admin)
    assert commands.get_more_work(by=person) is None


def test_a_robot_gets_actions_only(first: Customer, robot: Actor, person: Actor, admin: Actor) -> None:
    category = first.category.guid
    commands.create_ticket(first.ticket_version.guid, by=admin, title="x", category_guid=category, submit=True)
    assert commands.get_more_work(by=robot) is None
    assert commands.get_more_work(by=person) is not None


def test_what_a_robot_rejected_goes_to_people_only(first: Customer, robot: Actor, person: Actor, admin: Actor) -> None:
    (action,) = _launched(first, admin, 1)
    assert commands.get_more_work(by=robot) is not None
    commands.reject(action, "I cannot read this.", by=robot)
    again = WorkItem.objects.get(pk=action.pk)
    assert (again.status, again.assignee_id, again.robot_rejected) == (Status.TO_DO, None, True)
    assert again.rejected_reason == "I cannot read this."
    assert commands.get_more_work(by=robot) is None
    with pytest.raises(Invalid) as refusal:
        commands.take(action, by=robot)
    assert refusal.value.code == "robot_rejected"
    with pytest.raises(Invalid):
        commands.assign(action, User.objects.get(pk=robot.user_id), by=admin)
    assert commands.get_more_work(by=person) is not None
    with pytest.raises(Forbidden) as forbidden:
        commands.reject(action, "x", by=robot)
    assert forbidden.value.code == "not_assigned_to_you"


def test_robots_that_got_an_action_more_than_three_times_get_it_no_more(
    first: Customer, robot: Actor, admin: Actor
) -> None:
    """work-manager ASG-18."""
    (action,) = _launched(first, admin, 1)
    assert MOST_ROBOT_ASSIGNMENTS == 3
    for _ in range(MOST_ROBOT_ASSIGNMENTS + 1):
        assert commands.get_more_work(by=robot) is not None
        commands.unassign(action, by=robot)
    assert commands.get_more_work(by=robot) is None


def test_a_strict_queue_gives_people_only_what_robots_rejected(
    first: Customer, robot: Actor, person: Actor, admin: Actor
) -> None:
    commands.update_queue(first.queue, strict=True, by=admin)
    rejected, _ = _launched(first, admin, 2)
    _set(rejected, robot_rejected=True)
    assert _got(person) == [rejected.pk]
    assert len(_got(robot)) == 1


def test_a_case_is_given_out_only_when_it_needs_somebody(first: Customer, person: Actor, admin: Actor) -> None:
    case = commands.create_case(first.case_version.guid, by=admin, title="Onboard", submit=True)
    WorkItem.objects.filter(parent=case.pk).update(queue=None)
    _set(case, queue=first.queue)
    assert commands.get_more_work(by=person) is None
    for action in queries.items_under(case, by=admin):
        commands.complete_unsuccessfully(action, by=admin)
    assert WorkItem.objects.get(pk=case.pk).assignee_id == admin.user_id  # who owned it decides
    assert commands.get_more_work(by=person) is None
    commands.unassign(case, by=admin)
    found = commands.get_more_work(by=person)
    assert found is not None
    assert (found.pk, found.status, found.assignee_id) == (case.pk, Status.IN_PROGRESS, None)
    assert found.owner_id == person.user_id
    with pytest.raises(Conflict) as refusal:
        commands.take(case, by=admin)
    assert refusal.value.code == "already_assigned"


def test_two_who_take_the_same_item_one_gets_it(first: Customer, person: Actor, admin: Actor) -> None:
    (action,) = _launched(first, admin, 1)
    commands.take(action, by=person)
    with pytest.raises(Conflict) as refusal:
        commands.take(action, by=admin)
    assert refusal.value.code == "already_assigned"
    with recorded() as found:
        commands.take(action, by=person)
    assert found.events == []


def test_work_is_given_by_leaders_managers_and_within_ones_own_hands(
    first: Customer, person: Actor, admin: Actor, organisation: Organisation
) -> None:
    """work-manager ASG-30."""
    other = access.create_user("nora", "Nora", list(Role.objects.filter(name="Team Member")), by=admin)
    access.change_members(first.group, add=[other], by=admin)
    (action,) = _launched(first, admin, 1)
    with pytest.raises(Forbidden) as refusal:
        commands.assign(action, other, by=person)
    assert refusal.value.code == "reassign_forbidden"
    commands.update_queue(first.queue, managers=[organisation.accounts["team member"].user], by=admin)
    commands.assign(action, other, by=person)  # as a manager of the queue
    assert WorkItem.objects.get(pk=action.pk).assignee_id == other.pk
    with pytest.raises(Conflict):
        commands.assign(action, organisation.accounts["team member"].user, by=person)
    commands.assign(action, organisation.accounts["team member"].user, by=person, force=True)
    commands.unassign(action, by=person)
    assert WorkItem.objects.get(pk=action.pk).status == Status.TO_DO


@pytest.mark.parametrize("why", ["retired", "self service", "no right", "no sight"])
def test_work_is_given_only_to_who_may_have_it(why: str, first: Customer, admin: Actor) -> None:
    """work-manager ASG-15."""
    kind = UserType.SELF_SERVICE if why == "self service" else UserType.OPERATIONAL
    role = access.create_role("Guest", "operational", [], by=admin) if why == "no right" else None
    name = "Self Service" if why == "self service" else "Team Member"
    user = access.create_user("nora", "Nora", [role or Role.objects.get(name=name)], user_type=kind, by=admin)
    if why != "no sight":
        access.change_members(first.group, add=[user], by=admin)
    if why == "retired":
        access.set_active(user, False, by=admin)
    (action,) = _launched(first, admin, 1)
    with recorded() as found, pytest.raises(Invalid) as refusal:
        commands.assign(action, User.objects.get(pk=user.pk), by=admin)
    codes = {
        "retired": "assignee_retired",
        "self service": "assignee_wrong_type",
        "no right": "assignee_may_not_work",
        "no sight": "assignee_sees_not",
    }
    assert refusal.value.code == codes[why]
    assert found.events == []


def test_a_queue_is_seen_by_its_people_and_changed_by_builders(
    first: Customer, second: Customer, person: Actor, admin: Actor, actors: dict[str, Actor]
) -> None:
    commands.update_queue(second.queue, members=[], by=admin)
    assert set(queries.queues(person)) == {first.queue}
    with pytest.raises(NotFound):
        queries.queue(second.queue.guid, by=person)
    with pytest.raises(Forbidden):
        commands.update_queue(first.queue, strict=True, by=person)
    with pytest.raises(Conflict) as refusal:
        commands.create_queue(first.queue.name.upper(), by=admin)
    assert refusal.value.code == "queue_name_taken"
    version = Queue.objects.get(pk=first.queue.pk).version
    commands.update_queue(first.queue, description="Payables.", by=admin, version=version)
    with pytest.raises(Conflict):
        commands.update_queue(first.queue, description="Late.", by=admin, version=version)
    with recorded() as found:
        commands.update_queue(first.queue, description="Payables.", by=admin)
    assert found.events == []


def test_a_retired_queue_gets_no_new_work_and_keeps_what_it_has(first: Customer, person: Actor, admin: Actor) -> None:
    (before,) = _launched(first, admin, 1)
    commands.update_queue(first.queue, retired=True, by=admin)
    (after,) = _launched(first, admin, 1)
    assert after.queue_id is None
    with pytest.raises(Conflict) as refusal:
        commands.move_to_queue(after, Queue.objects.get(pk=first.queue.pk), by=person)
    assert refusal.value.code == "queue_retired"
    assert _got(person) == [before.pk]


def test_work_put_into_another_queue_keeps_its_assignee(
    first: Customer, second: Customer, person: Actor, admin: Actor
) -> None:
    (action,) = _launched(first, admin, 1)
    commands.take(action, by=person)
    moved = commands.move_to_queue(action, second.queue, by=person)
    assert (moved.queue_id, moved.assignee_id, moved.status) == (second.queue.pk, person.user_id, Status.IN_PROGRESS)


def test_only_who_gives_out_work_takes_it_out_of_its_queue(first: Customer, person: Actor, admin: Actor) -> None:
    (action,) = _launched(first, admin, 1)
    with pytest.raises(Forbidden) as refusal:
        commands.move_to_queue(action, None, by=person)
    assert refusal.value.code == "reassign_forbidden"
    assert commands.move_to_queue(action, None, by=admin).queue_id is None
    assert commands.get_more_work(by=person) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_each_gets_another_one(
    first: Customer, admin: Actor, organisation: Organisation
) -> None:
    actions = _launched(first, admin, 6)
    users = [
        access.create_user(f"user{number}", "", list(Role.objects.filter(name="Team Member")), by=admin)
        for number in range(8)
    ]
    access.change_members(first.group, add=users, by=admin)
    commands.update_queue(first.queue, members=users, by=admin)

    def ask(user: User) -> int | None:
        try:
            item = commands.get_more_work(by=sessions.actor_for(user))
            return None if item is None else item.pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(users)) as pool:
        got = list(pool.map(ask, users))
    found = [pk for pk in got if pk is not None]
    assert len(found) == len(set(found))
    assert set(found) == {action.pk for action in actions}
