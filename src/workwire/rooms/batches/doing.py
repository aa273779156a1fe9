"""How batches are done: by a job, a few rows at a time.

A piece of the job does each of its rows in a savepoint, in the order of their items, and is done wholly or not at all: what
was interrupted is done again, and no row twice. Of a row that is refused the reasons stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction

from workwire.access import queries as access
from workwire.access import sessions
from workwire.access.models import Credential, User
from workwire.jobs import kinds
from workwire.jobs.kinds import Done, JobKind, More, Piece, Wanted
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import DomainError, Forbidden
from workwire.rooms.batches import checking, commands, events
from workwire.rooms.batches.models import Batch, BatchKind, BatchRow, BatchState, RowState
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.parties import queries as parties
from workwire.rooms.parties import tags
from workwire.rooms.work import commands as work
from workwire.rooms.work.commands import Changes, ContactWish, TagWish

ROWS = 10  # in one piece
FORGOTTEN = 20  # batches of one piece
_TAGS = {
    "primary_contact": (tags.PRIMARY,),
    "requester": (tags.REQUESTER, tags.ORIGINAL_REQUESTER),
    "subject": (tags.SUBJECT,),
}


def piece(given: Piece, _answer: Any) -> More | Done:
    """Do the next rows of a batch."""
    batch = _locked(given)
    if batch is None or batch.state != BatchState.RUNNING:
        return Done()
    rows = list(batch.rows.select_related("work_item").filter(state=RowState.WAITING).order_by("-pk")[:ROWS])
    actor = _actor(batch)
    for row in rows:
        _do(batch, row, actor)
    BatchRow.objects.bulk_update(rows, ["state", "issues", "work_item"])
    done = sum(row.state == RowState.DONE for row in rows)
    batch.waiting, batch.done, batch.refused = (
        batch.waiting - len(rows),
        batch.done + done,
        batch.refused + len(rows) - done,
    )
    batch.save(update_fields=["waiting", "done", "refused"])
    through = batch.done + batch.refused
    if batch.waiting:
        return More(done=through, total=through + batch.waiting)
    _end(batch, BatchState.DONE, SYSTEM)
    return Done({"done": batch.done, "refused": batch.refused}, done=through)


def forget_old(now: datetime, most: int) -> int:
    """Remove batches, with their rows, that were made longer ago than jobs are kept, whether or not they were started."""
    before = now - timedelta(days=settings.CONFIG.job_retention_days)
    old = list(Batch.objects.filter(created_at__lt=before).exclude(state=BatchState.RUNNING).order_by("pk")[:FORGOTTEN])
    rows = BatchRow.objects.filter(batch__in=old).order_by("pk").values_list("pk", flat=True)[:most]
    gone, _ = BatchRow.objects.filter(pk__in=list(rows)).delete()
    if gone < most:  # the last of their rows
        Batch.objects.filter(pk__in=[batch.pk for batch in old]).delete()
    return gone + (most if gone < most and len(old) == FORGOTTEN else 0)


def _locked(given: Piece) -> Batch | None:
    return Batch.objects.select_for_update(of=("self",)).filter(guid=given.record).first()


def _actor(batch: Batch) -> Actor | None:
    """Who does the rows, with the rights of this moment; None where the account or the application counts no more."""
    user = User.objects.get(pk=batch.account_id)
    credential = None
    if batch.credential_id is not None:
        credential = Credential.objects.filter(access.valid_credentials(), pk=batch.credential_id).first()
        if credential is None:
            return None
    return replace(sessions.actor_for(user, credential), in_bulk=True) if user.is_active else None


def _do(batch: Batch, row: BatchRow, actor: Actor | None) -> None:
    """Do a row, or keep why it was refused."""
    try:
        with transaction.atomic():
            if actor is None:
                raise Forbidden("batch_without_account")
            row.work_item = _assigned(batch, row, actor) if batch.kind == BatchKind.ASSIGN else _created(row, actor)
            row.state = RowState.DONE
    except DomainError as refusal:
        row.state = RowState.REFUSED
        row.issues = [checking.issue_of(refusal.statement, refusal.field or "")]


def _assigned(batch: Batch, row: BatchRow, actor: Actor) -> Any:
    assert row.work_item is not None  # noqa: S101 - rows without an item are refused from the beginning
    user = access.user(batch.assignee.guid, by=actor) if batch.assignee is not None else None
    return conversations.assign_with_note(row.work_item, user, batch.note, by=actor, force=True)


def _created(row: BatchRow, actor: Actor) -> Any:
    wish = row.wish
    wanted: dict[str, Any] = {name: wish[name] for name in ("title", "description", "record_count", "custom_data")}
    wanted["due_date"] = datetime.fromisoformat(wish["due_date"]) if wish.get("due_date") else None
    wanted["category_guid"] = UUID(wish["category"]) if wish.get("category") else None
    wanted["contacts"] = _contact_wishes(wish["contacts"])
    create = work.create_ticket if wish["kind"] == ProcessType.TICKET else work.create_case
    return create(UUID(wish["version"]), by=actor, submit=True, **cast(Changes, wanted))


def _contact_wishes(contacts: dict[str, str]) -> list[ContactWish]:
    """Each contact once, with all the tags that its columns give."""
    by_name = {tag.built_in: tag.guid for tag in parties.contact_tags().exclude(built_in="")}
    held: dict[str, list[TagWish]] = {}
    for column, guid in contacts.items():
        held.setdefault(guid, []).extend(TagWish(by_name[name]) for name in _TAGS[column])
    return [ContactWish(UUID(guid), tuple(wished)) for guid, wished in held.items()]


def _end(batch: Batch, state: BatchState, by: Actor) -> None:
    batch.state, batch.ended_at = state, clock.now()
    batch.save(update_fields=["state", "ended_at"])
    events.note(events.BatchEnded, batch, by, State=state.value)


def _ended(given: Piece, state: BatchState) -> None:
    batch = _locked(given)
    if batch is not None and batch.state == BatchState.RUNNING:
        _end(batch, state, SYSTEM)


def _gave_up(given: Piece, _error: Exception, again: datetime | None) -> None:
    if again is None:
        _ended(given, BatchState.FAILED)


def _wanted() -> Iterator[Wanted]:
    running = Batch.objects.filter(state=BatchState.RUNNING)
    for guid, account in running.values_list("guid", "account").iterator():
        yield Wanted(guid, account, clock.now())


KIND = JobKind(
    commands.JOB,
    "batches",
    piece,
    on_failure=_gave_up,
    on_cancel=lambda given: _ended(given, BatchState.CANCELLED),
    wanted=_wanted,
)
SWEEPING = kinds.forgetting("batches.old", forget_old)
