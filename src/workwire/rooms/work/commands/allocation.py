"""To whom work goes: who may be given it, and who gets new work first by its process.

A person who may not have new work (retired, without the right or the sight) does not get it; it lies in its queue then, or
with nobody, where somebody who gives out work finds it.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from workwire.access import features
from workwire.access.models import User
from workwire.access.sessions import actor_for
from workwire.kernel.actor import UserType
from workwire.kernel.errors import Invalid
from workwire.rooms.offering import queries as offering
from workwire.rooms.work import policy
from workwire.rooms.work.commands.changing import stand, standing_of
from workwire.rooms.work.models import WorkItem


def allocate(item: WorkItem) -> None:
    """Put new work where its action or its process says: into a queue, to a person, or both."""
    wished = item.definition if item.definition is not None else item.process_version
    item.queue = wished.queue if wished.queue is not None and not wished.queue.retired else None
    if wished.person is not None:
        with contextlib.suppress(Invalid):
            hand_to(item, wished.person)


def hand_to(item: WorkItem, user: User) -> None:
    """Note that a user is given the item, which counts for robots; raises Invalid for one who may not have it."""
    user = locked_account(user)
    check_assignee(item, user)
    count_robot(item, is_robot=user.user_type == UserType.ROBOT)
    stand(item, replace(standing_of(item), assignee=user.pk))


def locked_account(user: User) -> User:
    """An account as it is now, which does not retire until the transaction ends; lock it before the items it is given."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def count_robot(item: WorkItem, *, is_robot: bool) -> None:
    """Count that a robot is given the item."""
    if is_robot:
        item.robot_assignments += 1


def check_assignee(item: WorkItem, user: User) -> None:
    """Raise Invalid unless the user is one this item can be given to."""
    if not user.is_active:
        raise Invalid("assignee_retired", field="user", user=user.username)
    if user.user_type == UserType.SELF_SERVICE:
        raise Invalid("assignee_wrong_type", field="user")
    if user.user_type == UserType.ROBOT and (barred := policy.bar_to_robots(item)) is not None:
        raise barred
    actor = actor_for(user)
    if not actor.has(features.WORK_ITEMS):
        raise Invalid("assignee_may_not_work", field="user", user=user.username)
    if not offering.processes_visible_to(actor).filter(pk=item.process_id).exists():
        raise Invalid("assignee_sees_not", field="user", user=user.username, item=item.reference)
