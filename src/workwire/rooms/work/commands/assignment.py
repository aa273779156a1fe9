"""Assignment of work items: take, get the next one, assign, unassign, reject."""

from __future__ import annotations

from django.db import transaction

from workwire.access import features
from workwire.access.models import User
from workwire.access.policy import require_of_person
from workwire.kernel import clock, text
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden
from workwire.kernel.wording import statement
from workwire.rooms.work import obtaining, policy, queries, transitions
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.allocation import check_assignee, count_robot, locked_account
from workwire.rooms.work.commands.changing import Change, locked, reason_for, require_may_work
from workwire.rooms.work.models import Queue, Status, StatusReason, WorkItem

LONGEST_REASON = 16 * 1024


@transaction.atomic
def take(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Begin to work on an item that nobody else has, which ends its waiting; taking one's own again changes nothing.

    Of two who take the same item at the same moment one gets it, the other Conflict (`already_assigned`).
    """
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    deed_checks.take(item, by=by)
    waited = item.status == Status.WAITING
    if deed_checks.begins(item):
        begin(change)
    change.done()
    if waited:
        flow.go_on_after_wait(change)
    return item


@transaction.atomic
def get_more_work(*, by: Actor) -> WorkItem | None:
    """Take the most important item of the actor's queues that nobody has, None when there is none.

    Never the same to two who ask at once: a row that another one is about to get is passed over.
    """
    require_may_work(by)
    now, passed_by = clock.now(), set[int]()
    while firsts := obtaining.firsts_of_queues(by, now, passed_by):
        candidates = obtaining.obtainable(by, now).filter(pk__in=firsts)
        found = candidates.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
        if found is not None:
            change = Change(queries.for_events().get(pk=found.pk), by=by)
            begin(change)
            return change.done()
        passed_by |= firsts
    return None


@transaction.atomic
def assign(item: WorkItem, user: User, *, by: Actor, force: bool = False, version: int | None = None) -> WorkItem:
    """Give an item to a user who may see and work on it; given to oneself it is taken.

    Raises Conflict (`already_assigned`) when somebody else has it, unless forced.
    """
    user = locked_account(user)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    deed_checks.assign(item, by=by, who=user.pk)
    holder = policy.holder_of(item)
    if holder != user.pk:
        check_assignee(item, user)
        if holder is not None and not force:
            raise Conflict("already_assigned")
        change.give(user.pk, reason_for(by))
        count_robot(item, is_robot=user.user_type == UserType.ROBOT)
    if user.pk == by.user_id and item.status == Status.TO_DO:
        change.take(user.pk, reason_for(by), by_editing=False)
    return change.done()


@transaction.atomic
def unassign(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Unassign an item that is not closed, for who may work on it or manages its queue; whoever had it, it is to do again in
    its queue. A case goes on, or waits on, without an owner. An item that nobody has is left as it is."""
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    deed_checks.unassign(item, by=by)
    if policy.holder_of(item) is not None:
        change.give_back()
    return change.done()


@transaction.atomic
def reject(item: WorkItem, reason: str, *, by: Actor, version: int | None = None) -> WorkItem:
    """Give one's own work back with a reason; what a robot rejects is never given to a robot again."""
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    deed_checks.reject(item, by=by)
    change.give(None, reason_for(by))
    item.rejected_reason, item.rejected_because = text.prose(reason, field="reason", longest=LONGEST_REASON), None
    item.robot_rejected = item.robot_rejected or by.user_type == UserType.ROBOT
    return change.done()


@transaction.atomic
def give_back_all(user: User, *, by: Actor) -> None:
    """Give back to its queue all unfinished work that a retiring account has, also what waits; each item says why."""
    require_of_person(by, features.USERS)
    held = queries.unfinished_of(user.pk).order_by("pk")
    for pk in held.values_list("pk", flat=True):
        change = Change(locked(pk, by=SYSTEM), by=by)
        item = change.item
        if policy.holder_of(item) == user.pk and item.status not in transitions.FINISHED:
            change.give(None, StatusReason.UPDATED_BY_SYSTEM)
            because = statement("given_back.account_retired", user=user.username)
            item.rejected_reason, item.rejected_because = str(because), because.as_json()
            change.done()


@transaction.atomic
def move_to_queue(item: WorkItem, queue: Queue | None, *, by: Actor, version: int | None = None) -> WorkItem:
    """Put an unfinished item into another queue; who works on it keeps it. Only who gives out work puts it into none,
    where nobody gets it."""
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    deed_checks.move_to_queue(item, by=by)
    if queue is None and not by.has(features.ASSIGN_WORK) and not queries.manages_queue_of(by, item):
        raise Forbidden("reassign_forbidden.queue")
    if queue is not None and queue.retired:
        raise Conflict("queue_retired", field="queue", queue=queue.name)
    item.queue = queue
    return change.done()


def begin(change: Change, *, by_editing: bool = False) -> None:
    """Assign the item of a change to the actor and set it in progress."""
    by, item = change.by, change.item
    who = deed_checks.begin(item, by=by)
    count_robot(item, is_robot=by.user_type == UserType.ROBOT and item.assignee_id != by.user_id)
    change.take(who, reason_for(by), by_editing=by_editing)
