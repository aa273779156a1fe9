"""How work items end: resolved, not completed, reopened, closed for good."""

from __future__ import annotations

from typing import Unpack

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import policy, transitions
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.changing import Change, Changes, locked, locked_line, reason_for, require_may_work
from workwire.rooms.work.commands.starting import make_work_of
from workwire.rooms.work.models import ResolutionMethod as Method
from workwire.rooms.work.models import Status, WorkItem

RESOLUTION_METHODS = {  # that people choose among, each kind's own first; the others are set by what happens to an item
    ProcessType.TICKET: (Method.COMMUNICATION, Method.NO_CUSTOMER_RESPONSE, Method.REJECTED, Method.REJECTED_AS_SPAM),
    ProcessType.CASE: (Method.CASE_COMPLETED, Method.CANCELLED, Method.REJECTED),
    ProcessType.ACTION: (Method.DONE_SUCCESSFULLY,),
}


@transaction.atomic
def resolve(
    item: WorkItem,
    *,
    by: Actor,
    method: Method | None = None,
    version: int | None = None,
    **changes: Unpack[Changes],
) -> WorkItem:
    """Finish an item, by default with the first method of its kind; the draft of a ticket is submitted by it. Raises Conflict
    for a case with open work under it, and for an action with an unanswered checklist.

    A finished action starts what follows it; the last one of a case resolves the case; a finished sub-case lets the case go
    on that waited for it.
    """
    require_may_work(by)
    line = locked_line(item, by=by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    if item.kind == ProcessType.TICKET and item.status == Status.DRAFT:
        make_work_of(change, changes)
    else:
        change.write(changes, line)
    method = _checked_method(ProcessType(item.kind), method)
    flow.finish(change, method, reason_for(by))
    deed_checks.require_nothing_open(item)
    if item.kind == ProcessType.ACTION:
        flow.go_on(line, change)
    change.done()
    if item.kind == ProcessType.CASE:
        flow.sub_case_ended(line, item)
    return item


@transaction.atomic
def complete_unsuccessfully(
    item: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]
) -> WorkItem:
    """End an action that cannot be completed; nothing follows it, and its case goes back to what is to do."""
    require_may_work(by)
    if item.kind != ProcessType.ACTION:
        raise Invalid("not_an_action")
    line = locked_line(item, by=by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    change.write(changes, line)
    flow.finish(change, Method.NOT_DONE_SUCCESSFULLY, reason_for(by))
    flow.go_on(line, change)
    return change.item


@transaction.atomic
def reopen(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Take a resolved ticket or case up again inside its feedback window."""
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    change.move(transitions.reopen(change.standing, reason_for(by), at=change.at))
    return change.done()


def close_window(item: WorkItem, *, by: Actor) -> WorkItem:
    """Close a resolved item whose feedback window has passed; only the clock (the system) does so, which has locked it."""
    policy.require(policy.is_system(by), "system_only.feedback_window")
    change = Change(item, by=by)
    change.move(transitions.close(change.standing, at=change.at))
    return change.done()


def _checked_method(kind: ProcessType, method: Method | None) -> Method:
    allowed = RESOLUTION_METHODS[kind]
    if method is not None and method not in allowed:
        raise Invalid("resolution_method_invalid", field="method", methods=list(allowed))
    return method or allowed[0]
