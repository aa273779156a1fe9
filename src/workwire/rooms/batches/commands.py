"""What people do with batches: make them and start them. `doing` does them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from workwire.access.models import User
from workwire.jobs import commands as jobs
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, NotFound
from workwire.rooms.batches import checking, events, queries, spreadsheet
from workwire.rooms.batches.models import Batch, BatchKind, BatchRow, BatchState, RowState
from workwire.rooms.files import queries as files
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import queries as items

MOST_ITEMS = 2_000
MOST_OPEN = 20  # batches of an account that did not end
LONGEST_NOTE = 16 * 1024
LARGEST_SHEET = 10 * 1024 * 1024  # bytes
JOB = "batches.rows"
OPEN = (BatchState.CHECKED, BatchState.RUNNING)


@transaction.atomic
def assign_many(guids: Collection[UUID], user: User | None, note: str, *, by: Actor) -> Batch:
    """Begin to give items to an account, or with None back to their queues, each with the note; returns the batch.

    Items that the actor does not see are rows that are refused, each on its own.
    """
    queries.require_may_batch(by)
    if not 1 <= len(set(guids)) <= MOST_ITEMS:
        raise Invalid("batch_items_invalid", field="work_items", most=MOST_ITEMS)
    if len(note) > LONGEST_NOTE:
        raise Invalid("batch_note_too_long", field="note", most=LONGEST_NOTE)
    batch = _new(BatchKind.ASSIGN, BatchState.RUNNING, by, assignee=user, note=note)
    seen = {item.guid: item for item in items.items_visible_to(by).filter(guid__in=set(guids)).order_by("pk")}
    rows = [BatchRow(batch=batch, work_item=item, title=item.title) for item in seen.values()]
    absent = [checking.issue_of(NotFound("work_item_not_found").statement)]
    for guid in (guid for guid in dict.fromkeys(guids) if guid not in seen):
        rows.append(BatchRow(batch=batch, state=RowState.REFUSED, wish={"guid": str(guid)}, issues=absent))
    for number, row in enumerate(rows, start=1):
        row.number = number
    return _keep(batch, rows, by)


@transaction.atomic
def check_sheet(upload: UUID, kind: ProcessType, *, by: Actor, unique_titles: bool = False) -> Batch:
    """Check an uploaded spreadsheet of new tickets or cases; returns the batch, to be started where it has rows to do."""
    queries.require_may_batch(by)
    if kind == ProcessType.ACTION:
        raise Invalid("batch_kind_invalid", field="kind")
    uploaded = files.upload(upload, by=by)
    if uploaded.stored.size > LARGEST_SHEET:
        raise Invalid("sheet_too_large", field="upload", most=LARGEST_SHEET // 1024 // 1024)
    with files.contents(uploaded.stored) as content:
        sheet = spreadsheet.read(content)
    found = checking.check(sheet, kind, by=by, unique_titles=unique_titles)
    batch = _new(BatchKind.CREATE, BatchState.CHECKED, by, file_name=uploaded.file_name, told=found.issues)
    rows = [
        BatchRow(
            batch=batch,
            number=line.number,
            title=line.title[:500],
            wish={"kind": kind.value, **line.wish},
            issues=line.issues,
            state=RowState.REFUSED if line.issues else RowState.WAITING,
        )
        for line in found.lines
    ]
    return _keep(batch, rows, by)


@transaction.atomic
def start(batch: Batch, *, by: Actor) -> Batch:
    """Begin to create what a checked sheet holds; raises Conflict for one without valid rows and one that was started."""
    found = Batch.objects.select_for_update(of=("self",)).get(guid=queries.batch(batch.guid, by=by).guid)
    if found.state != BatchState.CHECKED:
        raise Conflict("batch_not_checked")
    if not found.waiting:
        raise Conflict("batch_without_rows")
    found.credential_id = by.credential_id
    _begin(found, by)
    found.save(update_fields=["state", "job", "credential"])
    events.note(events.BatchStarted, found, by)
    return found


def _new(kind: BatchKind, state: BatchState, by: Actor, **of: Any) -> Batch:
    if Batch.objects.filter(account=by.user_id or 0, state__in=OPEN).count() >= MOST_OPEN:
        raise Conflict("too_many_batches", most=MOST_OPEN)
    return Batch(kind=kind, state=state, account_id=by.user_id or 0, credential_id=by.credential_id, **of)


def _keep(batch: Batch, rows: list[BatchRow], by: Actor) -> Batch:
    batch.waiting = sum(row.state == RowState.WAITING for row in rows)
    batch.refused = len(rows) - batch.waiting
    if batch.state == BatchState.RUNNING:
        _begin(batch, by)
    batch.save(force_insert=True)
    BatchRow.objects.bulk_create(reversed(rows), batch_size=500)  # pages begin with the highest id
    events.note(events.BatchMade, batch, by)
    return batch


def _begin(batch: Batch, by: Actor) -> None:
    batch.state = BatchState.RUNNING
    batch.job = jobs.enqueue(JOB, by=by, subject=batch.guid).guid
