"""Setting how long a work item is expected to take: one change of the item. Cases above it are locked first, because what is
expected of them is kept as it was."""

from __future__ import annotations

from django.db import transaction

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.effort import expectations
from workwire.rooms.effort.estimates import Tree
from workwire.rooms.effort.models import ExpectedTime
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.commands.changing import Change, locked, locked_line, require_may_edit
from workwire.rooms.work.models import WorkItem
from workwire.rooms.work.transitions import FINISHED


@transaction.atomic
def expect(item: WorkItem, minutes: int | None, *, by: Actor) -> WorkItem:
    """Set how long an unfinished item is expected to take; None goes back to what its process gives.

    What a case is expected to take in all is not less than what was created of it (Invalid); its rest moves with it.
    """
    change, line = _begun(item, minutes, by)
    if minutes is not None and change.item.kind == ProcessType.CASE:
        effort = Tree(change.item).of_case(change.item)
        if expectations.with_total(effort, minutes) is None:
            raise Invalid("expected_below_created", field="minutes", least=effort.created)
    return _written(change, line, minutes)


@transaction.atomic
def expect_of_rest(case: WorkItem, minutes: int, *, by: Actor) -> WorkItem:
    """Set how long the work of an unfinished case is expected to take that was not created yet; its total moves with it."""
    change, line = _begun(case, minutes, by)
    if change.item.kind != ProcessType.CASE:
        raise Invalid("rest_of_case_only", field="rest")
    total = expectations.with_rest(Tree(change.item).of_case(change.item), minutes).total
    return _written(change, line, total)


def _begun(item: WorkItem, minutes: int | None, by: Actor) -> tuple[Change, list[Change]]:
    if minutes is not None and not 0 <= minutes <= expectations.MOST_MINUTES:
        raise Invalid("expected_invalid", field="minutes", most=expectations.MOST_MINUTES)
    line = locked_line(item, by=by)
    change = Change(locked(item.pk, by=by), by=by)
    require_may_edit(by, change.item)
    if change.item.status in FINISHED:
        raise Conflict("item_completed")
    return change, line


def _written(change: Change, line: list[Change], minutes: int | None) -> WorkItem:
    item, kept = change.item, ExpectedTime.objects.filter(work_item=change.item.pk).first()
    if (kept.minutes if kept is not None and kept.by_hand else None) == minutes:
        return item
    for above in line:
        change.touch(_keep_total(above, change))
    if minutes is None:
        change.touch(removed(kept) if kept is not None else [])
        if kept is not None:
            kept.delete()
    else:
        change.touch(_save(kept, item, minutes, change, by_hand=True))
    return change.done()


def _keep_total(above: Change, change: Change) -> list[RowChange]:
    """Keep what is expected of a case in all, where its parts have raised it: it does not fall when one of them shrinks."""
    tree, kept = Tree(above.item), ExpectedTime.objects.filter(work_item=above.item.pk).first()
    total = tree.of_case(above.item).total
    known = tree.start(above.item) or 0
    if total <= known:
        return []
    return _save(kept, above.item, total, change, by_hand=kept is not None and kept.by_hand)


def _save(kept: ExpectedTime | None, item: WorkItem, minutes: int, change: Change, *, by_hand: bool) -> list[RowChange]:
    row = kept or ExpectedTime(work_item=item)
    before = columns(row)
    row.minutes, row.by_hand, row.record_count = minutes, by_hand, item.record_count
    row.set_by_id, row.set_at = change.by.user_id, change.at
    row.save()
    return added(row) if kept is None else altered(row, before)
