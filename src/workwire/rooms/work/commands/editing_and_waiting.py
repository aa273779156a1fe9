"""What happens to a work item while it is worked on: edits, waiting, and what ends the waiting."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from django.db import transaction

from workwire.kernel import text
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import altered, columns
from workwire.rooms.files import queries as files
from workwire.rooms.files.commands import FileWish
from workwire.rooms.files.models import ItemFile
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import item_due_dates, policy, queries, transitions
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.assignment import begin
from workwire.rooms.work.commands.changing import (
    Change,
    Changes,
    locked,
    locked_line,
    reason_for,
    require_may_work,
)
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, Status, StatusReason, WaitType, WorkItem
from workwire.rooms.work.transitions import DUE, FINISHED

LONGEST_NOTE = 16 * 1024


@transaction.atomic
def update(item: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]) -> WorkItem:
    """Change fields of an unfinished item; an item to do becomes in progress, assigned to the actor. The record count of an
    action becomes that of its case, for the actions to come.

    Giving only values it has already changes and records nothing.
    """
    line = locked_line(item, by=by) if _is_of_family(item, changes) else []
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item, records = change.item, change.item.record_count
    deed_checks.edit(item, by=by)
    if change.write(changes, line):
        _take_by_editing(change)
    changed = change.done()
    if item.kind == ProcessType.ACTION and item.record_count != records and line[-1].item.status not in FINISHED:
        line[-1].item.record_count = item.record_count  # actions to come have as many
        line[-1].done()
    return changed


@transaction.atomic
def attach_file(item: WorkItem, wish: FileWish, *, by: Actor) -> ItemFile:
    """Attach one new file to an item in any state, for who may work on it or has it as a draft of its own; takes nothing."""
    change = Change(locked(item.pk, by=by), by=by)
    policy.require(policy.may_change(by, change.item), "feature_missing.to_work")
    change.write({"files": [wish]})
    change.done()
    return files.files_of(change.item.pk)[0]


@transaction.atomic
def answer_checklist(
    line: ChecklistItem, *, by: Actor, result: ChecklistResult, note: str | None = None, peer_note: str | None = None
) -> WorkItem:
    """Answer a line of an action's checklist, or take the answer back; who answers what is to do takes it."""
    require_may_work(by)
    change = Change(locked(line.item_id, by=by), by=by)
    item = change.item
    deed_checks.edit(item, by=by)
    line = ChecklistItem.objects.get(pk=line.pk)
    before = columns(line)
    line.result = result
    line.note = line.note if note is None else text.prose(note, field="note", longest=LONGEST_NOTE)
    line.peer_note = line.peer_note if peer_note is None else text.prose(peer_note, field="note", longest=LONGEST_NOTE)
    if columns(line) != before:
        answered = result != ChecklistResult.NONE
        line.checked_by_id, line.checked_at = (by.user_id, change.at) if answered else (None, None)
        line.save()
        change.touch(altered(line, before))
        _take_by_editing(change)
    return change.done()


@transaction.atomic
def wait_for_information(
    item: WorkItem, *, by: Actor, until: datetime | None = None, version: int | None = None
) -> WorkItem:
    """Set an item to wait for information, at most until a future moment when one is given."""
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    moment = None if until is None else _future(until, change.at)
    change.move(transitions.wait_for_information(change.standing, moment, reason_for(by)))
    return change.done()


@transaction.atomic
def wait_until(item: WorkItem, until: datetime, *, by: Actor, version: int | None = None) -> WorkItem:
    """Set an item to wait until a future moment."""
    require_may_work(by)
    change = Change(locked(item.pk, by=by, version=version), by=by)
    change.move(transitions.wait_until(change.standing, _future(until, change.at), reason_for(by)))
    return change.done()


@transaction.atomic
def information_arrived(item: WorkItem, *, by: Actor) -> WorkItem:
    """Wake an item that waits for information, reopen one resolved inside its feedback window, note at any other open case
    that there is news; leave all else as it is.

    Every actor who sees the item may report the information. Where its work goes on in another one it is that, seen or not.
    """
    taker = queries.taker_of(item)
    change = Change(locked(item.pk, by=by) if taker is None else locked(taker.pk, by=SYSTEM), by=by)
    item, waited = change.item, change.item.status == Status.WAITING
    change.note_news()
    if item.status == Status.WAITING and item.wait_type == WaitType.INFORMATION:
        change.move(transitions.inform(change.standing))
    elif item.status == Status.RESOLVED and item.closes_on is not None and item.closes_on > change.at:
        change.move(transitions.reopen(change.standing, StatusReason.NEW_INFORMATION, at=change.at))
    change.done()
    if waited:
        flow.go_on_after_wait(change)
    return item


@transaction.atomic
def acknowledge(case: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Say that what came in at a case is known: it runs on, and who has it is its owner. One without news is left as it is."""
    require_may_work(by)
    change = Change(locked(case.pk, by=by, version=version), by=by)
    deed_checks.acknowledge(change.item, by=by)
    change.acknowledge()
    return change.done()


def date_reached(item: WorkItem, *, by: Actor) -> WorkItem:
    """Wake an item whose moment has come; only the clock (the system) does so, which has locked it (`item_timers.lock`)."""
    policy.require(policy.is_system(by), "system_only.wait")
    change = Change(item, by=by)
    change.move(transitions.come_due(change.standing, change.at))
    change.done()
    flow.go_on_after_wait(change)
    return item


def follow_title(action: WorkItem, *, by: Actor) -> WorkItem:
    """Give an unfinished action the title of its case; only the clock (the system) does so, which has locked it. What ended
    keeps the title under which it ended."""
    policy.require(policy.is_system(by), "system_only.title")
    change = Change(action, by=by)
    if action.status not in FINISHED and action.parent_id is not None:
        action.title = WorkItem.objects.values_list("title", flat=True).get(pk=action.parent_id)
    return change.done()


def follow_data(item: WorkItem, *, by: Actor) -> WorkItem:
    """Set the due date of an unfinished item anew that is counted from custom data of its family; only the clock (the system)
    does so, which has locked it."""
    policy.require(policy.is_system(by), "system_only.due_date")
    change = Change(item, by=by)
    if item.status in transitions.OPEN and item.started_at is not None:
        item_due_dates.set_due(item, item.started_at)
    return change.done()


@transaction.atomic
def due_date_passed(item: WorkItem, *, by: Actor) -> WorkItem:
    """Tell that the due date of an item has passed, once for each due date; only the clock (the system) does so.

    Raises Conflict for an item that waits, is finished, is not due yet or of which it was told.
    """
    policy.require(policy.is_system(by), "system_only.due_date")
    change = Change(locked(item.pk, by=by), by=by)
    item = change.item
    passed = item.due_date is not None and item.due_date < change.at
    if not passed or item.due_passed or item.status not in DUE:
        raise Conflict("due_date_not_passed")
    item.due_passed = True
    return change.done()


def _is_of_family(item: WorkItem, changes: Changes) -> bool:
    """Whether what is to be changed of an action or sub-case is kept at a case above it."""
    kept_above = ("custom_data", "record_count", "contacts") if item.kind == ProcessType.ACTION else ("custom_data",)
    return item.parent_id is not None and any(changes.get(name) is not None for name in kept_above)


def _take_by_editing(change: Change) -> None:
    """Who edits what is to do takes it, if it can be theirs."""
    if change.item.status == Status.TO_DO and policy.may_hold(change.by, change.item):
        begin(change, by_editing=True)


def _future(moment: datetime, now: datetime) -> datetime:
    if moment.tzinfo is None or moment <= now:
        raise Invalid("wait_not_in_future", field="until")
    return moment
