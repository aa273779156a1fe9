"""To whom work goes: who may be given it, and who gets new work first by its process.

A person who may not have new work (retired, without the right or the sight) does not get it; it lies in its queue then, or
with nobody, where somebody who gives out work finds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access.models import User
from workwire.access.sessions import actor_for
from workwire.kernel.actor import UserType
from workwire.kernel.errors import Invalid
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition, ProcessVersion
from workwire.rooms.work import policy
from workwire.rooms.work.commands.changing import stand, standing_of
from workwire.rooms.work.models import WorkItem
from workwire.rooms.work.transitions import DUE


def allocate(item: WorkItem) -> None:
    """Put new work where its action or its process says: into a queue, to the first who may have it, or both."""
    wished = item.definition if item.definition is not None else item.process_version
    item.queue = wished.queue if wished.queue is not None and not wished.queue.retired else None
    for user in _first_to_get(wished):
        with contextlib.suppress(Invalid):
            hand_to(item, user)
            return


def _first_to_get(wished: ActionDefinition | ProcessVersion) -> Iterator[User]:
    """Who is to get new work, in order: two people, then the holders of two job positions, with the fewest items first."""
    yield from (person for person in (wished.person, wished.secondary_person) if person is not None)
    for position in (wished.job_position_id, wished.secondary_job_position_id):
        if position is not None:
            yield from _holders(position)


def _holders(position: int) -> QuerySet[User]:
    """The active holders of a job position in use, who has the fewest items in the inbox first."""
    inbox = WorkItem.objects.filter(assignee=OuterRef("pk"), status__in=DUE).order_by().values("assignee")
    number = Coalesce(Subquery(inbox.annotate(number=Count("pk")).values("number")), 0)
    found = User.objects.filter(job_positions=position, job_positions__retired=False, is_active=True)
    return found.order_by(number, "pk")


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
