"""Tickets that turn out to be about the same are merged: they are closed, and their work goes on in one item."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import transitions
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.changing import Change, reason_for, require_may_work
from workwire.rooms.work.commands.linking import at_version, go_on_in, locked_together, pass_links_on, relate
from workwire.rooms.work.models import RelationKind, Status, StatusReason, WaitType, WorkItem

MOST_MERGED = 50  # at a time


@transaction.atomic
def merge(
    tickets: Sequence[WorkItem],
    into: WorkItem,
    *,
    by: Actor,
    version: int | None = None,
    target_version: int | None = None,
) -> WorkItem:
    """Close tickets, because their work goes on in another item, which must be running or inside its feedback window.

    What was said at them is seen there, which is new information: it reopens a resolved item, wakes one that waits for
    information, and is news at a running case. Due dates stay. Returns that item. `version` is that of the only ticket.
    """
    require_may_work(by)
    once = {ticket.pk: ticket for ticket in tickets}
    if not 1 <= len(once) <= MOST_MERGED:
        raise Invalid("merges_invalid", field="tickets", most=MOST_MERGED)
    if into.pk in once:
        raise Invalid("merged_into_itself", field="into")
    rows = locked_together([*tickets, into], by=by, going_on=once.values())
    target = Change(at_version(rows[into.pk], target_version), by=by)
    _require_open(target)
    for pk in once:
        _merge(Change(at_version(rows[pk], version), by=by), target, rows)
    waited = target.item.status == Status.WAITING
    _inform(target)
    target.done()
    if waited:
        flow.go_on_after_wait(target)
    return target.item


def _merge(change: Change, target: Change, rows: dict[int, WorkItem]) -> None:
    """Close one ticket, and let what was merged into it before go on in the target, too."""
    item = change.item
    deed_checks.merge(item, by=change.by)
    change.move(transitions.merge(change.standing, reason_for(change.by), who=change.by.user_id, at=change.at))
    go_on_in(change, target.item, rows)
    change.touch(relate(item, RelationKind.MERGED_INTO, target.item, change))
    if target.item.kind != ProcessType.ACTION:
        change.touch(pass_links_on(item, [target.item], change))
    change.done()


def _require_open(target: Change) -> None:
    """Raise Conflict unless something can be merged into the target."""
    transitions.require_not_divided(target.standing)
    item = target.item
    in_window = item.status == Status.RESOLVED and item.closes_on is not None and item.closes_on > target.at
    if item.status not in transitions.OPEN and not in_window:
        raise Conflict("merge_target_finished")


def _inform(target: Change) -> None:
    target.note_news()
    if target.item.status == Status.RESOLVED:
        target.move(transitions.reopen(target.standing, StatusReason.NEW_INFORMATION, at=target.at))
    elif target.item.status == Status.WAITING and target.item.wait_type == WaitType.INFORMATION:
        target.move(transitions.inform(target.standing))
