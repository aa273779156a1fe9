"""Who may do what with work items they see. Seeing itself is decided by `queries.items_visible_to`."""

from __future__ import annotations

from workwire.access import features
from workwire.access.policy import in_self_service as in_self_service
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Forbidden, Invalid
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import Status, WorkItem

MOST_ROBOT_ASSIGNMENTS = 3


def may_start(actor: Actor) -> bool:
    """Whether the actor may start tickets and cases: who works, and who uses self service."""
    return actor.has(features.WORK_ITEMS) or actor.has(features.SELF_SERVICE)


def may_work(actor: Actor) -> bool:
    """Whether the actor may work on items: edit, take, wait, resolve, reopen."""
    return actor.has(features.WORK_ITEMS)


def may_change(actor: Actor, item: WorkItem) -> bool:
    """Whether the actor may edit the item; users of self service their own drafts only."""
    own_draft = item.status == Status.DRAFT and item.started_by_id == actor.user_id
    return may_work(actor) or (own_draft and actor.has(features.SELF_SERVICE))


def may_hold(actor: Actor, item: WorkItem) -> bool:
    """Whether the item could be assigned to the actor: no user of self service, and a robot only what robots are given."""
    barred = actor.user_type == UserType.ROBOT and bar_to_robots(item) is not None
    return may_work(actor) and actor.user_id is not None and (item.assignee_id == actor.user_id or not barred)


def bar_to_robots(item: WorkItem) -> Invalid | None:
    """Why an item is not given to a robot, None when it may be."""
    if item.kind == ProcessType.CASE:
        return Invalid("case_not_for_robots", field="user")
    if item.robot_rejected:
        return Invalid("robot_rejected", field="user")
    if item.robot_assignments > MOST_ROBOT_ASSIGNMENTS:
        return Invalid("robot_too_often", field="user", most=MOST_ROBOT_ASSIGNMENTS)
    return None


def holder_of(item: WorkItem) -> int | None:
    """Who has an item: its assignee, or the owner of what waits, is resolved, or is a case in progress."""
    owned = item.status in (Status.WAITING, Status.RESOLVED)
    owned = owned or (item.kind == ProcessType.CASE and item.status == Status.IN_PROGRESS)
    return item.owner_id if item.assignee_id is None and owned else item.assignee_id


def may_distribute(actor: Actor, item: WorkItem, user_id: int | None) -> bool:
    """Whether the actor may give the item to a user (or to nobody): one's own work always back, all else by feature."""
    own = may_work(actor) and holder_of(item) in (None, actor.user_id) and user_id in (None, actor.user_id)
    return own or actor.has(features.ASSIGN_WORK)


def is_system(actor: Actor) -> bool:
    """Whether the actor is the system's clock."""
    return actor.user_id is None


def require(allowed: bool, code: str) -> None:
    """Raise Forbidden with a code unless allowed."""
    if not allowed:
        raise Forbidden(code)
