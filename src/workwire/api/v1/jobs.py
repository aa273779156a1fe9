"""Jobs: work done in the background that the caller asked for, with progress, to be cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workwire.access import commands, queries
from workwire.api.auth import actor
from workwire.api.numbers_as_text import Written
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, answers, listing, rfc3339
from workwire.jobs.queries import ORDERS, narrowed
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page, sorted_page

if TYPE_CHECKING:
    from workwire.jobs.models import Job

router = Router(tags=["jobs"])
StateName = Literal["waiting", "running", "done", "failed", "cancelled"]


class JobFilter(Written):
    """Which jobs are wanted; conditions hold together."""

    state: StateName | None = None
    kind: str | None = Field(None, min_length=1, max_length=40)
    sort: Literal["-created", "created", "-ended", "ended"] = "-created"


class JobErrorOut(Schema):
    """Why the last try failed."""

    code: str
    text: str


class JobOut(Schema):
    """A job. `done` counts what is done of `total`, which is null while it is not known; `record` is what the job is about.

    `next_at` is when the next piece or try begins at the earliest, null for a job that has ended; `tries` counts the tries
    since the last piece that went well. `cancelling` says that somebody cancelled it and that it ends with its next piece. A
    `standing` job is planned anew after every run: `started_at` and `ended_at` are those of the last one.
    """

    guid: Guid
    kind: str
    state: StateName
    standing: bool
    record: Guid | None
    asked_by: Guid | None
    done: int
    total: int | None
    result: dict[str, Any]
    tries: int
    error: JobErrorOut | None
    cancelling: bool
    created_at: Moment
    started_at: Moment | None
    next_at: Moment | None
    ended_at: Moment | None


@router.get("/jobs", response=answers(Listing[JobOut]), operation_id="list_jobs")
def list_jobs(request: HttpRequest, paging: Query[PageQuery], wanted: Query[JobFilter]) -> dict[str, Any]:
    """List the jobs you asked for, newest first unless another order is asked for; an administrator sees all jobs."""
    by = actor(request)
    found, order = narrowed(queries.jobs(by=by), state=wanted.state, kind=wanted.kind), ORDERS[wanted.sort]
    arguments = paging.arguments()
    return listing(page(found, **arguments) if order is None else sorted_page(found, order, **arguments), _job, by)


@router.get("/jobs/{uuid:guid}", response=answers(JobOut), operation_id="get_job")
def get_job(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one job and its progress."""
    by = actor(request)
    return _job(queries.job(guid, by=by), by)


@router.post("/jobs/{uuid:guid}/cancel", response=answers(JobOut), operation_id="cancel_job")
def cancel_job(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Cancel a job; it ends where its next piece would begin, and what is done stays done."""
    by = actor(request)
    return _job(commands.cancel_job(guid, by=by), by)


def _job(row: Job, _actor: Actor) -> dict[str, Any]:
    is_open = row.state in ("waiting", "running")
    return {
        "guid": str(row.guid),
        "kind": row.kind,
        "state": row.state,
        "standing": row.standing,
        "record": str(row.subject) if row.subject else None,
        "asked_by": str(row.asked_by.guid) if row.asked_by else None,
        "done": row.done,
        "total": row.total,
        "result": row.result,
        "tries": row.tries,
        "error": {"code": row.error_code, "text": row.error_text} if row.error_code else None,
        "cancelling": is_open and row.cancel_asked_at is not None,
        "created_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at),
        "next_at": rfc3339(row.ready_at) if is_open else None,
        "ended_at": rfc3339(row.ended_at),
    }
