"""Who works on a work item: taking it, giving it to somebody, giving it back."""

from __future__ import annotations

from django.db import transaction

from workwire.access import features
from workwire.access.models import User
from workwire.access.sessions import actor_for
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.catalogue.models import ProcessType
from workwire.rooms.work import policy, queries, transitions
from workwire.rooms.work.commands.changing import Change, locked, reason_for, require_may_work
from workwire.rooms.work.models import Status, WorkItem


@transaction.atomic
def take(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Begin to work on an item that nobody else has; taking one's own again changes nothing.

    Of two who take the same item at the same moment one gets it, the other Conflict (`already_assigned`).
    """
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    if item.assignee_id not in (None, by.user_id):
        raise _already_assigned()
    if by.user_id is None or not policy.may_hold(by, item):
        raise _not_for_robots()
    if item.status != Status.IN_PROGRESS:
        change.move(transitions.take(change.standing, by.user_id, reason_for(by)))
    return change.done()


@transaction.atomic
def assign(item: WorkItem, user: User, *, by: Actor, force: bool = False, version: int | None = None) -> WorkItem:
    """Give an item to a user who may see and work on it; given to oneself it is taken.

    Raises Conflict (`already_assigned`) when somebody else has it, unless forced.
    """
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    _require_may_distribute(by, item, user.pk)
    _check_assignee(item, user)
    if item.assignee_id not in (None, user.pk) and not force:
        raise _already_assigned()
    if item.assignee_id != user.pk:
        change.move(transitions.give(change.standing, user.pk, reason_for(by)))
    if user.pk == by.user_id and item.status == Status.TO_DO:
        change.move(transitions.take(change.standing, user.pk, reason_for(by)))
    return change.done()


@transaction.atomic
def unassign(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Take an item from whoever has it, back to what is to do; one that nobody has is left as it is."""
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    _require_may_distribute(by, item, None)
    if item.assignee_id is not None:
        change.move(transitions.give(change.standing, None, reason_for(by)))
    return change.done()


def _require_may_distribute(actor: Actor, item: WorkItem, user_id: int | None) -> None:
    allowed = policy.may_distribute(actor, item, user_id)
    policy.require(allowed, "reassign_forbidden", "This needs a role that may give work to others.")


def _check_assignee(item: WorkItem, user: User) -> None:
    """Raise Invalid unless the user is one this item can be given to."""
    if not user.is_active:
        raise Invalid("assignee_retired", f"User '{user.username}' is retired.", field="user")
    if user.user_type == UserType.SELF_SERVICE:
        raise Invalid("assignee_wrong_type", "Users of self service are not given work.", field="user")
    if user.user_type == UserType.ROBOT and item.kind == ProcessType.CASE:
        raise _not_for_robots()
    actor = actor_for(user)
    if not actor.has(features.WORK_ITEMS):
        raise Invalid("assignee_may_not_work", f"User '{user.username}' may not work on work items.", field="user")
    if not queries.visible(WorkItem.objects.filter(pk=item.pk), actor).exists():
        raise Invalid("assignee_sees_not", f"User '{user.username}' may not see {item.reference}.", field="user")


def _already_assigned() -> Conflict:
    return Conflict("already_assigned", "Somebody else works on this work item.")


def _not_for_robots() -> Invalid:
    return Invalid("case_not_for_robots", "A case is not assigned to a robot.", field="user")
