"""The sessions of one's own account, and its password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from workwire.access import commands, run_time_settings, sessions
from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Moment, answers, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page

if TYPE_CHECKING:
    from workwire.access.models import Token

router = Router(tags=["sessions"])


class SessionOut(Schema):
    """A session: from which address and browser it was begun, and whether it is the one that asks."""

    guid: Guid
    address: str
    browser: str
    begun_at: Moment
    last_used_at: Moment
    current: bool


class Ended(Schema):
    """How many sessions were ended."""

    ended: int


class PasswordIn(In):
    """A new password, by who knows the present one."""

    present: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


@router.get("/sessions", response=answers(Listing[SessionOut]), operation_id="list_sessions")
def list_sessions(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the sessions of your own account in which somebody may go on; not those of applications."""
    by, here = actor(request), _here(request)

    def told(row: Token, _by: Actor) -> dict[str, Any]:
        return {
            "guid": str(row.guid),
            "address": row.address,
            "browser": row.browser,
            "begun_at": rfc3339(row.created_at),
            "last_used_at": rfc3339(row.last_used_at),
            "current": row.guid == here,
        }

    mine = sessions.own_sessions(by, idle=run_time_settings.token_idle())
    return listing(page(mine, **paging.arguments()), told, by)


@router.delete("/sessions/{uuid:guid}", response=answers(None, 204), operation_id="end_session")
def end_session(request: HttpRequest, guid: UUID) -> Status[None]:
    """End a session of your own account."""
    sessions.end_session(guid, by=actor(request))
    return Status(204, None)


@router.post("/sessions/end-others", response=answers(Ended), operation_id="end_other_sessions")
def end_other_sessions(request: HttpRequest) -> dict[str, Any]:
    """End all sessions of your own account but the one that asks."""
    return {"ended": sessions.end_other_sessions(_here(request), by=actor(request))}


@router.put("/me/password", response=answers(None, 204), operation_id="change_own_password")
def change_own_password(request: HttpRequest, wish: PasswordIn) -> Status[None]:
    """Change your own password; your other sessions end."""
    commands.change_own_password(
        wish.present,
        wish.new,
        by=actor(request),
        kept=_here(request),
        address=str(request.META.get("REMOTE_ADDR", "")),
        most_failures=run_time_settings.value_of("login_attempts"),
    )
    return Status(204, None)


def _here(request: HttpRequest) -> UUID:
    """The session that asks."""
    return sessions.guid_of(request.headers.get("Authorization", "").partition(" ")[2])
