"""Checklists: of every action of a type, and of one action of a process version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs.commands import ensure
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.offering import events
from workwire.rooms.offering.models import ActionDefinition, ChecklistLine, ProcessType, WorkType

MOST_LINES = 200
RUNNING_JOB = "checklists.running"  # gives the lines of an action type to its actions that run


@dataclass(frozen=True, slots=True)
class LineWish:
    """A line of a checklist to save; with the GUID of a line that is there it stays that line, whatever its text becomes. A
    line of an action may stand `before` or after a line of its type, the `anchor`."""

    description: str
    guid: UUID | None = None
    anchor: UUID | None = None
    before: bool = False


@transaction.atomic
def add_global_checklist(work_type: WorkType, lines: tuple[str, ...], *, by: Actor) -> list[ChecklistLine]:
    """Add lines to the checklist of an action type; a job gives them to actions that run."""
    require(by, features.PROCESSES)
    if work_type.kind != ProcessType.ACTION:
        raise Invalid("work_type_invalid.checklist", field="work_type")
    last = work_type.checklist.aggregate(last=Max("order"))["last"] or 0
    made = ChecklistLine.objects.bulk_create(new_lines(lines, start=last + 1, work_type=work_type))
    if made:
        events.record_work_type_changed(work_type, f"{len(made)} checklist lines added", by=by, changes=added(*made))
        ensure(RUNNING_JOB, by=by, subject=work_type.guid)
    return made


def new_lines(descriptions: Sequence[str], *, start: int, **of: Any) -> list[ChecklistLine]:
    """Lines of a checklist that are not saved yet, counted from `start`; raises Invalid."""
    if len(descriptions) + start - 1 > MOST_LINES:
        raise Invalid("checklist_too_long", field="checklist", most=MOST_LINES)
    return [ChecklistLine(order=order, description=_said(one), **of) for order, one in enumerate(descriptions, start)]


def save_lines(
    action: ActionDefinition, lines: Sequence[str | LineWish], present: Sequence[ChecklistLine]
) -> list[RowChange]:
    """Give an action the lines that are wanted in place of those present; returns the changes. A line without a GUID stays the
    one that has its text; raises Invalid for a GUID that is not among the lines, or an anchor not among those of the type."""
    wanted = [LineWish(line) if isinstance(line, str) else line for line in lines]
    if len(wanted) > MOST_LINES:
        raise Invalid("checklist_too_long", field="checklist", most=MOST_LINES)
    rest = list(present)
    kept = [_taken(line, rest) if line.guid is not None else None for line in wanted]
    kept = [found or _taken(line, rest) for found, line in zip(kept, wanted, strict=True)]
    named = {line.anchor for line in wanted if line.anchor is not None}
    of_type = (
        ChecklistLine.objects.filter(work_type=action.work_type_id, guid__in=named, retired=False) if named else ()
    )
    anchors = {line.guid: line for line in of_type}
    if named - anchors.keys():
        raise Invalid("checklist_anchor_not_found", field="checklist")
    changes = removed(*rest)
    ChecklistLine.objects.filter(pk__in=[line.pk for line in rest]).delete()
    for order, (line, wish) in enumerate(zip(kept, wanted, strict=True), start=1):
        anchor = anchors[wish.anchor] if wish.anchor is not None else None
        row = line or ChecklistLine(definition=action)
        changes += save_line(
            row, order=order, anchor=anchor, before=anchor is not None and wish.before, description=wish.description
        )
    return changes


def save_line(line: ChecklistLine, *, description: str, **to: Any) -> list[RowChange]:
    """Save a line with a text and other columns; returns the changes. Raises Invalid."""
    is_new, before = line.pk is None, columns(line)
    line.description = _said(description)
    for name, value in to.items():
        setattr(line, name, value)
    if is_new:
        line.save()
        return added(line)
    changed = altered(line, before)
    if changed:
        line.save()
    return changed


def _taken(wish: LineWish, rest: list[ChecklistLine]) -> ChecklistLine | None:
    """The line that is meant, which is then no longer among the rest."""
    named = wish.guid is not None
    found = next(
        (one for one in rest if (one.guid == wish.guid if named else one.description == wish.description)), None
    )
    if found is None and named:
        raise Invalid("checklist_line_not_found", field="checklist")
    if found is not None:
        rest.remove(found)
    return found


def _said(description: str) -> str:
    return text.name(description, field="checklist", longest=500)
