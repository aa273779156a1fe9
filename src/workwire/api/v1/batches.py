"""Batches: many work items assigned, or created from a spreadsheet, by a job with progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.numbers_as_text import Written
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Moment, answers, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.kernel.wording import Statement
from workwire.rooms.batches import commands, headings, queries, spreadsheet
from workwire.rooms.batches.queries import RowState
from workwire.rooms.work.queries import ProcessType

if TYPE_CHECKING:
    from workwire.rooms.batches.models import Batch, BatchRow

router = Router(tags=["batches"])
SheetKind = Literal["ticket", "case"]
_KINDS = {"ticket": ProcessType.TICKET, "case": ProcessType.CASE}
_SHEET = {
    "responses": {
        200: {
            "description": "The template, an .xlsx file.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


class AssignmentsIn(In):
    """Work items to give to an account, or with null back to their queues; the note is kept at each."""

    work_items: Annotated[list[UUID], Field(min_length=1, max_length=commands.MOST_ITEMS)]
    user: UUID | None
    note: str = ""


class SheetIn(In):
    """An uploaded spreadsheet of new work; `unique_titles` refuses titles that are there already, in the sheet or among the
    work you see."""

    upload: UUID
    kind: SheetKind
    unique_titles: bool = False


class IssueOut(Schema):
    """What is wrong: the column, the documented number where there is one, a code of ours with its parameters and sentence."""

    column: str
    number: int | None
    code: str
    parameters: dict[str, Any]
    sentence: str


class BatchOut(Schema):
    """A batch. `waiting`, `done` and `refused` count its rows; `issues` are about the sheet as a whole; `job` is the job that
    does it, which tells its progress and can be cancelled."""

    guid: Guid
    kind: Literal["assign", "create"]
    state: Literal["checked", "running", "done", "cancelled", "failed"]
    user: Guid | None
    note: str
    file_name: str
    waiting: int
    done: int
    refused: int
    issues: list[IssueOut]
    job: Guid | None
    created_at: Moment
    ended_at: Moment | None


class RowOut(Schema):
    """A row of a batch; `number` is its line in the sheet, `reference` that of its work item."""

    number: int
    state: Literal["waiting", "done", "refused"]
    title: str
    work_item: Guid | None
    reference: str | None
    issues: list[IssueOut]


class RowFilter(Written):
    """Which rows are wanted."""

    state: Literal["waiting", "done", "refused"] | None = None


@router.post("/batches/assignments", response=answers(BatchOut, 202), operation_id="assign_work_items")
def assign(request: HttpRequest, wish: AssignmentsIn) -> Status[dict[str, Any]]:
    """Begin to assign many work items to an account, or to give them back to their queues."""
    by = actor(request)

    def begin() -> dict[str, Any]:
        user = access.user(wish.user, by=by) if wish.user is not None else None
        return _batch(commands.assign_many(wish.work_items, user, wish.note, by=by), by)

    return Status(202, once(request, begin))


@router.post("/batches/sheets", response=answers(BatchOut, 201), operation_id="check_sheet")
def check(request: HttpRequest, wish: SheetIn) -> Status[dict[str, Any]]:
    """Check an uploaded spreadsheet of new tickets or cases; nothing is created before it is started."""
    by = actor(request)

    def begin() -> dict[str, Any]:
        kind = _KINDS[wish.kind]
        return _batch(commands.check_sheet(wish.upload, kind, by=by, unique_titles=wish.unique_titles), by)

    return Status(201, once(request, begin))


@router.get("/batches/template", operation_id="get_sheet_template", openapi_extra=_SHEET)
def template(request: HttpRequest, kind: SheetKind) -> HttpResponse:
    """Get an empty spreadsheet with the columns for new tickets or cases, in your language."""
    queries.require_may_batch(actor(request))
    names = {"ticket": _("Tickets"), "case": _("Cases")}
    content = spreadsheet.write(list(headings.known(_KINDS[kind]).values()), names[kind])
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="workwire-{kind}.xlsx"'},
    )


@router.post("/batches/{uuid:guid}/start", response=answers(BatchOut, 202), operation_id="start_batch")
def start(request: HttpRequest, guid: UUID) -> Status[dict[str, Any]]:
    """Begin to create the work of a checked sheet; rows with issues are left out."""
    by = actor(request)
    return Status(202, _batch(commands.start(queries.batch(guid, by=by), by=by), by))


@router.get("/batches", response=answers(Listing[BatchOut]), operation_id="list_batches")
def list_batches(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List your batches, newest first."""
    by = actor(request)
    return listing(page(queries.batches(by=by), **paging.arguments()), _batch, by)


@router.get("/batches/{uuid:guid}", response=answers(BatchOut), operation_id="get_batch")
def get_batch(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one of your batches and how far it is."""
    by = actor(request)
    return _batch(queries.batch(guid, by=by), by)


@router.get("/batches/{uuid:guid}/rows", response=answers(Listing[RowOut]), operation_id="list_batch_rows")
def list_rows(request: HttpRequest, guid: UUID, paging: Query[PageQuery], wanted: Query[RowFilter]) -> dict[str, Any]:
    """List the rows of a batch by number, with what is wrong with them."""
    by = actor(request)
    state = RowState(wanted.state) if wanted.state is not None else None
    rows = queries.rows_of(queries.batch(guid, by=by), state)
    return listing(page(rows, **paging.arguments()), _row, by)


def _batch(row: Batch, _by: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "kind": row.kind,
        "state": row.state,
        "user": str(row.assignee.guid) if row.assignee is not None else None,
        "note": row.note,
        "file_name": row.file_name,
        "waiting": row.waiting,
        "done": row.done,
        "refused": row.refused,
        "issues": [_issue(one) for one in row.told],
        "job": str(row.job) if row.job is not None else None,
        "created_at": rfc3339(row.created_at),
        "ended_at": rfc3339(row.ended_at),
    }


def _row(row: BatchRow, _by: Actor) -> dict[str, Any]:
    item = row.work_item
    return {
        "number": row.number,
        "state": row.state,
        "title": row.title,
        "work_item": str(item.guid) if item is not None else row.wish.get("guid"),
        "reference": item.reference if item is not None else None,
        "issues": [_issue(one) for one in row.issues],
    }


def _issue(kept: dict[str, Any]) -> dict[str, Any]:
    return {**kept, "sentence": Statement(kept["code"], kept["parameters"]).sentence()}
