"""Time sessions: the clock of an account at a work item, and corrections of what it counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Moment, answers, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.effort import commands, queries
from workwire.rooms.work import queries as items

if TYPE_CHECKING:
    from workwire.rooms.effort.models import TimeCorrection

router = Router(tags=["effort"])


class TimeSessionOut(Schema):
    """Time of an account at a work item: `seconds` count, corrections included; the clock counted `counted_seconds`. A
    `forgotten` one ended because it ran for too long."""

    guid: Guid
    work_item: Guid
    account: Guid
    account_name: str
    category: Guid | None
    started_at: Moment
    running: bool
    ended_at: Moment | None
    forgotten: bool
    counted_seconds: int
    seconds: int
    corrected_by: Guid | None
    corrected_at: Moment | None


class TimeSessionFilter(Schema):
    """Which of one's own time sessions are wanted."""

    running: bool | None = None


class CorrectionIn(In):
    """What the time of a session was, in seconds."""

    seconds: int = Field(ge=0)


class CorrectionOut(Schema):
    """A correction: what somebody said the time was, and what had been counted until then."""

    guid: Guid
    seconds: int
    counted_seconds: int
    corrected_by: Guid
    corrected_at: Moment


@router.post(
    "/work-items/{uuid:guid}/time-sessions", response=answers(TimeSessionOut), operation_id="start_time_session"
)
def start(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Start your clock at a work item, or continue it; a clock that runs at another item pauses."""
    by = actor(request)
    return _session(commands.start(items.item(guid, by=by), by=by), by)


@router.get(
    "/work-items/{uuid:guid}/time-sessions",
    response=answers(Listing[TimeSessionOut]),
    operation_id="list_work_item_time_sessions",
)
def list_sessions_of_item(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the time sessions at a work item, of all accounts, newest first; in self service the list is empty."""
    by = actor(request)
    found = queries.sessions_of(items.item(guid, by=by), by=by)
    return listing(page(found, **paging.arguments()), _session, by)


@router.get("/time-sessions", response=answers(Listing[TimeSessionOut]), operation_id="list_time_sessions")
def list_sessions(request: HttpRequest, paging: Query[PageQuery], wanted: Query[TimeSessionFilter]) -> dict[str, Any]:
    """List your own time sessions, newest first."""
    by = actor(request)
    return listing(page(queries.own(by=by, running=wanted.running), **paging.arguments()), _session, by)


@router.get("/time-sessions/{uuid:guid}", response=answers(TimeSessionOut), operation_id="get_time_session")
def get_session(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one time session."""
    by = actor(request)
    return _session(queries.session(guid, by=by), by)


@router.post("/time-sessions/{uuid:guid}/pause", response=answers(TimeSessionOut), operation_id="pause_time_session")
def pause(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Pause your time session."""
    by = actor(request)
    return _session(commands.pause(queries.session(guid, by=by), by=by), by)


@router.post("/time-sessions/{uuid:guid}/stop", response=answers(TimeSessionOut), operation_id="stop_time_session")
def stop(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """End your time session."""
    by = actor(request)
    return _session(commands.stop(queries.session(guid, by=by), by=by), by)


@router.get(
    "/time-sessions/{uuid:guid}/corrections",
    response=answers(Listing[CorrectionOut]),
    operation_id="list_time_corrections",
)
def list_corrections(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the corrections of a time session, newest first; the first one counts."""
    by = actor(request)
    found = queries.corrections_of(queries.session(guid, by=by))
    return listing(page(found, **paging.arguments()), _correction, by)


@router.post(
    "/time-sessions/{uuid:guid}/corrections",
    response=answers(TimeSessionOut, 201),
    operation_id="correct_time_session",
)
def correct(request: HttpRequest, guid: UUID, wish: CorrectionIn) -> Status[dict[str, Any]]:
    """Correct the time of a session, your own or that of an account you lead; what was counted is kept."""
    by = actor(request)
    return Status(
        201,
        once(request, lambda: _session(commands.correct(queries.session(guid, by=by), wish.seconds, by=by), by)),
    )


def _session(row: Any, _actor: Actor) -> dict[str, Any]:
    last = queries.last_correction(row)
    return {
        "guid": str(row.guid),
        "work_item": str(row.work_item.guid),
        "account": str(row.account.guid),
        "account_name": row.account.full_name,
        "category": str(row.category.guid) if row.category else None,
        "started_at": rfc3339(row.started_at),
        "running": row.running_since is not None,
        "ended_at": rfc3339(row.ended_at),
        "forgotten": row.forgotten,
        "counted_seconds": queries.counted(row),
        "seconds": queries.seconds(row),
        "corrected_by": str(last.corrected_by.guid) if last else None,
        "corrected_at": rfc3339(last.corrected_at) if last else None,
    }


def _correction(row: TimeCorrection, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "seconds": row.seconds,
        "counted_seconds": row.counted_seconds,
        "corrected_by": str(row.corrected_by.guid),
        "corrected_at": rfc3339(row.corrected_at),
    }
