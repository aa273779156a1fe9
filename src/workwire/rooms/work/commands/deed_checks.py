"""What refuses a deed at a work item: asked by the command that does it, and by who wants to know before (`work.deeds`).

Each check raises what its command refuses with, whatever is given along with it; none of them writes anything.
"""

from __future__ import annotations

from workwire.access import queries as access
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import policy, queries, transitions
from workwire.rooms.work.commands import allocation, flow
from workwire.rooms.work.commands.changing import (
    Change,
    levels_above,
    reason_for,
    require_may_edit,
    require_may_work,
    standing_of,
)
from workwire.rooms.work.models import ChecklistResult, ResolutionMethod, Status, StatusReason, WorkItem
from workwire.rooms.work.who_gets_it import TABLE, Part

SOMEBODY_ELSE = 0  # the number of no account
MOST_NESTED = 20  # cases, the outermost one counted


def take(item: WorkItem, *, by: Actor) -> None:
    """Refuse to take what somebody else has, and what a robot is not given."""
    require_may_work(by)
    if policy.holder_of(item) not in (None, by.user_id):
        raise Conflict("already_assigned")
    if by.user_type == UserType.ROBOT and not policy.may_hold(by, item) and (barred := policy.bar_to_robots(item)):
        raise barred
    if begins(item):
        begin(item, by=by)


def begins(item: WorkItem) -> bool:
    """Whether taking an item sets it in progress, rather than leaving it as it is."""
    return item.status != Status.IN_PROGRESS or policy.holder_of(item) is None


def begin(item: WorkItem, *, by: Actor) -> int:
    """Refuse work to the system, and to a robot that is suspended; returns the number of who begins."""
    if by.user_id is None:
        raise Forbidden("system_does_not_work")
    if by.user_type == UserType.ROBOT and item.assignee_id != by.user_id and access.is_suspended(by.user_id):
        raise Forbidden("robot_suspended.self")
    transitions.take(standing_of(item), by.user_id, reason_for(by))
    return by.user_id


def assign(item: WorkItem, *, by: Actor, who: int = SOMEBODY_ELSE) -> None:
    """Refuse to give an item to an account, whoever has it; which account it may be is checked apart."""
    _require_may_distribute(by, item, who)
    if policy.holder_of(item) != who:
        _give(item, who, reason_for(by))


def unassign(item: WorkItem, *, by: Actor) -> None:
    """Refuse to take an item from who has it."""
    if not policy.may_work(by):
        _require_may_distribute(by, item, None)
    if policy.holder_of(item) is not None:
        transitions.unassign(standing_of(item), reason_for(by), at=clock.now())


def reject(item: WorkItem, *, by: Actor) -> None:
    """Refuse to give back what the actor was not given."""
    require_may_work(by)
    if item.assignee_id is None or item.assignee_id != by.user_id:
        raise Forbidden("not_assigned_to_you.reject")
    _give(item, None, reason_for(by))


def move_to_queue(item: WorkItem, *, by: Actor) -> None:
    """Refuse to put an item into another queue."""
    _require_may_distribute(by, item, policy.holder_of(item))
    if item.status in transitions.FINISHED:
        raise Conflict("item_completed")


def edit(item: WorkItem, *, by: Actor) -> None:
    """Refuse to change what is finished, or somebody else's."""
    require_may_edit(by, item)
    if item.status in transitions.FINISHED:
        raise Conflict("item_completed")


def wait(item: WorkItem, *, by: Actor) -> None:
    """Refuse to let an item wait."""
    require_may_work(by)
    transitions.wait_for_information(standing_of(item), None, reason_for(by))


def acknowledge(case: WorkItem, *, by: Actor) -> None:
    """Refuse to acknowledge news at what is no case, or somebody else's."""
    require_may_work(by)
    if case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    require_may_edit(by, case)


def submit(item: WorkItem, *, by: Actor) -> None:
    """Refuse to submit what is no draft; what the draft lacks is checked when it is submitted."""
    policy.require(policy.may_change(by, item), "feature_missing.to_work")
    transitions.submit(standing_of(item), reason_for(by))


def resolve(item: WorkItem, *, by: Actor) -> None:
    """Refuse to resolve an item that cannot end, a case with open work and an action with an unanswered checklist."""
    require_may_work(by)
    standing, reason = standing_of(item), reason_for(by)
    if item.kind == ProcessType.TICKET and item.status == Status.DRAFT:
        standing = transitions.submit(standing, reason)
    transitions.resolve(
        standing, ResolutionMethod.DONE_SUCCESSFULLY, reason, who=by.user_id, at=clock.now(), closes_on=None
    )
    require_nothing_open(item)


def require_nothing_open(item: WorkItem) -> None:
    """Raise Conflict for a case with open work under it, and for an action with an unanswered checklist."""
    if item.kind == ProcessType.CASE and queries.has_open_items_under(item):
        raise Conflict("case_has_open_work")
    if item.kind == ProcessType.ACTION and queries.checklist_of(item).filter(result=ChecklistResult.NONE).exists():
        raise Conflict("checklist_open")


def complete_unsuccessfully(item: WorkItem, *, by: Actor) -> None:
    """Refuse to end what is no action, or is over."""
    require_may_work(by)
    if item.kind != ProcessType.ACTION:
        raise Invalid("not_an_action")
    transitions.resolve(
        standing_of(item),
        ResolutionMethod.NOT_DONE_SUCCESSFULLY,
        reason_for(by),
        who=by.user_id,
        at=clock.now(),
        closes_on=None,
    )


def reopen(item: WorkItem, *, by: Actor) -> None:
    """Refuse to take up again what is not resolved, or was for too long."""
    require_may_work(by)
    transitions.reopen(standing_of(item), reason_for(by), at=clock.now())


def next_step(case: WorkItem, *, by: Actor) -> None:
    """Refuse to let a case go on by hand that is no running case, or whose work is open."""
    require_may_work(by)
    require_running(case)
    flow.continued(Change(case, by=by))


def require_running(case: WorkItem) -> None:
    """Raise unless it is a case, and runs."""
    if case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    if case.status not in transitions.OPEN:
        raise Conflict("case_not_running")


def discard(item: WorkItem, *, by: Actor) -> None:
    """Refuse to end what is no draft."""
    policy.require(policy.may_change(by, item), "feature_missing.to_work")
    transitions.discard(standing_of(item), reason_for(by), who=by.user_id, at=clock.now())


def abort(case: WorkItem, *, by: Actor) -> None:
    """Refuse to abort what is no running case."""
    require_may_work(by)
    if case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    if case.status not in transitions.OPEN:
        raise Conflict("case_not_running.abort")


def rework(item: WorkItem, *, by: Actor) -> None:
    """Refuse to send back a case that does not run; asked at the case or at an action of it."""
    require_may_work(by)
    case = item.parent if item.kind == ProcessType.ACTION else item
    if case is None or case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    require_open_to_rework(case)


def require_open_to_rework(case: WorkItem) -> None:
    """Raise Conflict for a case that is a draft, or is over."""
    if case.status not in transitions.OPEN:
        raise Conflict("case_not_running.rework")


def launch(case: WorkItem, *, by: Actor) -> None:
    """Refuse to launch anything from what is no running case."""
    require_may_work(by)
    if case.kind != ProcessType.CASE:
        raise Invalid("not_a_case")
    if case.status not in transitions.OPEN:
        raise Conflict("case_not_running.launch")


def launch_sub_case(case: WorkItem, *, by: Actor) -> None:
    """Refuse the same, and a case below one that has too many above it."""
    launch(case, by=by)
    if levels_above(case, MOST_NESTED) >= MOST_NESTED - 1:
        raise Conflict("nested_too_deep", most=MOST_NESTED)


def merge(ticket: WorkItem, *, by: Actor) -> None:
    """Refuse to merge what is no ticket, somebody else's, or over."""
    require_may_work(by)
    if ticket.kind != ProcessType.TICKET:
        raise Invalid("not_a_ticket.merge", field="tickets")
    require_may_edit(by, ticket)
    transitions.merge(standing_of(ticket), reason_for(by), who=by.user_id, at=clock.now())


def split(ticket: WorkItem, *, by: Actor) -> None:
    """Refuse to split what is no running ticket, somebody else's, or waits for related work already."""
    require_may_work(by)
    require_may_edit(by, ticket)
    if ticket.kind != ProcessType.TICKET:
        raise Invalid("not_a_ticket.split")
    _require_divisible(ticket, by)


def convert(ticket: WorkItem, *, by: Actor) -> None:
    """Refuse to convert what is no running ticket, somebody else's, or waits for related work already."""
    require_may_work(by)
    require_may_edit(by, ticket)
    if ticket.kind != ProcessType.TICKET:
        raise Invalid("not_a_ticket.convert")
    _require_divisible(ticket, by)


def link(item: WorkItem, *, by: Actor) -> None:
    """Refuse to link an action."""
    require_may_work(by)
    if item.kind == ProcessType.ACTION:
        raise Invalid("link_not_for_actions", field="others")


def _require_divisible(ticket: WorkItem, by: Actor) -> None:
    transitions.divide(standing_of(ticket), ResolutionMethod.SPLIT, reason_for(by))


def _give(item: WorkItem, who: int | None, reason: StatusReason) -> None:
    """Refuse to give an item where it has no owner of its own to be given to."""
    if item.status in transitions.FINISHED or Part.OWNER not in TABLE[allocation.situation(item)]:
        transitions.give(standing_of(item), who, reason)


def _require_may_distribute(actor: Actor, item: WorkItem, who: int | None) -> None:
    allowed = policy.may_distribute(actor, item, who) or queries.manages_queue_of(actor, item)
    policy.require(allowed, "reassign_forbidden")
