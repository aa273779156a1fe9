"""How cases and drafts end early: a case is aborted with all that lies below it, a draft is discarded."""

from __future__ import annotations

from django.db import transaction

from workwire.kernel.actor import SYSTEM, Actor
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import policy, transitions
from workwire.rooms.work.advancing import Aborted
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.changing import Change, locked, locked_line, reason_for, require_may_work
from workwire.rooms.work.commands.runs import CaseRun
from workwire.rooms.work.models import ResolutionMethod, Status, StatusReason, WorkItem


@transaction.atomic
def abort(case: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """End a running case and everything below it for good, without a feedback window; the case above goes on."""
    require_may_work(by)
    line = locked_line(case, by=by)
    change = Change(locked(case.pk, by=by, version=version), by=by)
    deed_checks.abort(change.item, by=by)
    end(change, ResolutionMethod.CANCELLED, reason_for(by))
    change.done()
    end_below(change.item, ResolutionMethod.CANCELLED, reason_for(by), by=by)
    flow.sub_case_ended(line, change.item)
    return change.item


@transaction.atomic
def discard(item: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """End a draft that is not wanted; it is closed for good."""
    change = Change(locked(item.pk, by=by, version=version), by=by)
    policy.require(policy.may_change(by, change.item), "feature_missing.to_work")
    change.move(transitions.discard(change.standing, reason_for(by), who=by.user_id, at=change.at))
    return change.done()


def end(change: Change, method: ResolutionMethod, reason: StatusReason) -> None:
    """Close an item for good; the flow of a case is over."""
    item = change.item
    change.move(transitions.abort(change.standing, method, reason, who=change.by.user_id, at=change.at))
    item.attention = None
    if item.kind == ProcessType.CASE:
        run = CaseRun(item, change.at)
        run.tell(Aborted(), change)
        change.touch(run.write())


def end_below(case: WorkItem, method: ResolutionMethod, reason: StatusReason, *, by: Actor) -> None:
    """Close everything below a locked case, level by level, whether the actor sees it or not."""
    above = [case.pk]
    while above:
        below = WorkItem.objects.filter(parent=above.pop(0)).exclude(status=Status.CLOSED).order_by("pk")
        for pk in below.values_list("pk", flat=True):
            change = Change(locked(pk, by=SYSTEM), by=by)
            end(change, method, reason)
            change.done()
            if change.item.kind == ProcessType.CASE:
                above.append(pk)
