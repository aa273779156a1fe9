"""How work items end: resolved, not completed, reopened, closed for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Unpack

from django.conf import settings
from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.catalogue.models import ProcessType
from workwire.rooms.work import policy, queries, transitions
from workwire.rooms.work.commands import flow
from workwire.rooms.work.commands.changing import Change, Changes, locked, reason_for, require_may_work
from workwire.rooms.work.models import ResolutionMethod as Method
from workwire.rooms.work.models import StatusReason, WorkItem

_METHODS = {
    ProcessType.TICKET: (
        Method.COMMUNICATION,
        Method.CASE_LAUNCHED,
        Method.NO_CUSTOMER_RESPONSE,
        Method.CANCELLED,
        Method.DONE_SUCCESSFULLY,
        Method.NOT_DONE_SUCCESSFULLY,
        Method.REJECTED,
        Method.REJECTED_AS_SPAM,
        Method.REJECTED_UNCONFIGURED_ADDRESS,
    ),
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
    """Finish an item, by default with the first method of its kind; raises Conflict for a case with open work under it.

    A finished action starts what follows it; the last one of a case resolves the case.
    """
    require_may_work(by)
    case = _case_of(item, by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    change.write(changes)
    method = _checked_method(ProcessType(item.kind), method)
    _resolve(change, method, reason_for(by))
    if item.kind == ProcessType.CASE and queries.has_open_items_under(item):
        raise Conflict("case_has_open_work", "The case cannot be resolved while work under it is open.")
    change.done()
    if case is not None:
        _go_on(case, item)
    return item


@transaction.atomic
def complete_unsuccessfully(
    item: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]
) -> WorkItem:
    """End an action that cannot be completed; nothing follows it, and its case goes back to what is to do."""
    require_may_work(by)
    case = _case_of(item, by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    if case is None:
        raise Invalid("not_an_action", "Only an action can be ended as not completed.")
    change.write(changes)
    _resolve(change, Method.NOT_DONE_SUCCESSFULLY, reason_for(by))
    change.done()
    case.move(transitions.block(case.standing))
    case.done()
    return change.item


@transaction.atomic
def reopen(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Take a resolved ticket or case up again inside its feedback window."""
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    change.move(transitions.reopen(change.standing, reason_for(by), at=change.at))
    return change.done()


@transaction.atomic
def close_window(item: WorkItem, *, by: Actor) -> WorkItem:
    """Close a resolved item whose feedback window has passed; only the clock (the system) does so."""
    policy.require(policy.is_system(by), "system_only", "Only the clock closes a feedback window.")
    change = Change(locked(item.pk, by=by), by=by)
    change.move(transitions.close(change.standing, at=change.at))
    return change.done()


def _case_of(item: WorkItem, by: Actor) -> Change | None:
    """The case of an action, locked before the action is, so that two actions of one case wait for each other here;
    None for a ticket or a case. Who sees an action sees its case: both lie under the same process."""
    if item.kind != ProcessType.ACTION or item.parent_id is None:
        return None
    return Change(locked(item.parent_id, by=by), by=by)


def _checked_method(kind: ProcessType, method: Method | None) -> Method:
    allowed = _METHODS[kind]
    if method is not None and method not in allowed:
        names = ", ".join(allowed)
        raise Invalid("resolution_method_invalid", f"An item of this kind is resolved by {names}.", field="method")
    return method or allowed[0]


def _resolve(change: Change, method: Method, reason: StatusReason) -> None:
    hours = settings.CONFIG.feedback_window_hours
    closes_on = change.at + timedelta(hours=hours) if hours else None
    after = transitions.resolve(
        change.standing, method, reason, who=change.by.user_id, at=change.at, closes_on=closes_on
    )
    change.move(after)


def _go_on(case: Change, action: WorkItem) -> None:
    """What a finished action sets going: its successor, the next step, or the end of the case."""
    item = case.item
    successor = flow.successor_of(action)
    if successor is not None:
        flow.start(item, successor, at=case.at, by=case.by)
        return
    if not flow.step_is_done(item):
        return
    following = flow.next_step(item)
    if following is not None:
        item.current_step = following
        case.done()
        flow.begin_step(item, at=case.at, by=case.by)
    elif not queries.has_open_items_under(item):
        _resolve(case, Method.CASE_COMPLETED, StatusReason.ALL_CHILDREN_COMPLETED)
        case.done()
