"""The checklist of an action type that changed, at its actions that run: a job, a few actions at a time.

New lines come last; a line that was retired goes, unless it was answered.
"""

from __future__ import annotations

from typing import Any

from workwire.jobs.kinds import Done, JobKind, More, Piece
from workwire.kernel.actor import SYSTEM
from workwire.outbox.changes import RowChange, added, removed
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.commands.checklists import RUNNING_JOB
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.commands.changing import Change, locked
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, WorkItem
from workwire.rooms.work.transitions import FINISHED

PIECE = 50


def bring_lines(piece: Piece, _answer: Any) -> More | Done:
    """One piece of the job for an action type: the next of its actions that run."""
    after = piece.cursor or 0
    running = WorkItem.objects.filter(kind=ProcessType.ACTION, work_type__guid=piece.record, pk__gt=after)
    found = list(running.exclude(status__in=FINISHED).order_by("pk").values_list("pk", flat=True)[:PIECE])
    done = piece.done + sum(_bring(pk) for pk in found)
    return More(cursor=found[-1], done=done) if len(found) == PIECE else Done({"actions": done}, done=done)


KIND = JobKind(RUNNING_JOB, "upkeep", bring_lines)


def _bring(action_pk: int) -> int:
    """Bring the checklist of one action into line; returns whether it changed."""
    change = Change(locked(action_pk, by=SYSTEM), by=SYSTEM)
    if change.item.definition is None or change.item.status in FINISHED:
        return 0
    changes = _differences(change.item)
    change.touch(changes)
    change.done()
    return bool(changes)


def _differences(action: WorkItem) -> list[RowChange]:
    definition = action.definition
    lines = offering.checklists_of([definition])[definition.pk] if definition else []
    asked = list(ChecklistItem.objects.filter(item=action.pk).select_related("line"))
    present = {one.line_id for one in asked}
    missing = [line for line in lines if line.work_type_id is not None and line.pk not in present]
    gone = [one for one in asked if one.line.retired and one.result == ChecklistResult.NONE]
    changes = removed(*gone)
    ChecklistItem.objects.filter(pk__in=[one.pk for one in gone]).delete()
    return changes + added(
        *ChecklistItem.objects.bulk_create(ChecklistItem(item=action, line=line) for line in missing)
    )
