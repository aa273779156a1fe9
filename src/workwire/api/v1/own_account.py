"""The sessions of one's own account, its picture, its password and its second factor."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from workwire.access import commands, queries, second_factors, sessions
from workwire.access.commands.accounts import LONGEST_PASSWORD
from workwire.access.picture_files import MOST_BYTES
from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Moment, answers, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
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

    present: str = Field(max_length=LONGEST_PASSWORD)
    new: str = Field(max_length=LONGEST_PASSWORD)


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

    mine = sessions.own_sessions(by)
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
    )
    return Status(204, None)


class PictureIn(In):
    """A picture, in base64."""

    picture: str = Field(max_length=MOST_BYTES * 4 // 3 + 4)


class FactorOut(Schema):
    """Whether the account has a second factor, whether a role asks for one, and how many recovery codes are left."""

    on: bool
    required: bool
    recovery_codes_left: int


class SetupOut(Schema):
    """What an app needs to make codes: the key in text, and the address that a picture of it holds; shown until it is on."""

    key: str
    uri: str


class CodeIn(In):
    """A code of the app."""

    code: str = Field(max_length=100)


class PresentIn(In):
    """The present password."""

    present: str = Field(max_length=LONGEST_PASSWORD)


class RecoveryCodesOut(Schema):
    """Recovery codes, shown this once."""

    recovery_codes: list[str]


@router.put("/me/picture", response=answers(None, 204), operation_id="set_own_picture")
def set_own_picture(request: HttpRequest, wish: PictureIn) -> Status[None]:
    """Set the picture of your own account: a small PNG, JPEG, WebP or GIF that does not move; what else the file holds is not
    kept."""
    commands.set_own_picture(_decoded(wish.picture), by=actor(request))
    return Status(204, None)


@router.delete("/me/picture", response=answers(None, 204), operation_id="remove_own_picture")
def remove_own_picture(request: HttpRequest) -> Status[None]:
    """Remove the picture of your own account."""
    by = actor(request)
    commands.remove_picture(queries.account(by), by=by)
    return Status(204, None)


@router.get("/me/second-factor", response=answers(FactorOut), operation_id="get_second_factor")
def get_second_factor(request: HttpRequest) -> dict[str, Any]:
    """Say whether your own account has a second factor."""
    found = second_factors.standing(queries.account(actor(request)))
    return {"on": found.is_on, "required": found.is_required, "recovery_codes_left": found.codes_left}


@router.post("/me/second-factor", response=answers(SetupOut, 201), operation_id="begin_second_factor")
def begin_second_factor(request: HttpRequest, wish: PresentIn) -> Status[dict[str, Any]]:
    """Begin to set up a second factor for your own account; it counts when a code is confirmed."""
    made = commands.begin_second_factor(wish.present, by=actor(request))
    return Status(201, {"key": made.key, "uri": made.uri})


@router.post("/me/second-factor/confirm", response=answers(RecoveryCodesOut), operation_id="confirm_second_factor")
def confirm_second_factor(request: HttpRequest, wish: CodeIn) -> dict[str, Any]:
    """Turn your second factor on, by a code of the app; only this answer holds the recovery codes."""
    return {"recovery_codes": commands.confirm_second_factor(wish.code, by=actor(request))}


@router.post(
    "/me/second-factor/recovery-codes", response=answers(RecoveryCodesOut), operation_id="renew_recovery_codes"
)
def renew_recovery_codes(request: HttpRequest, wish: PresentIn) -> dict[str, Any]:
    """Make new recovery codes; only this answer holds them, and the old ones end."""
    return {"recovery_codes": commands.renew_recovery_codes(wish.present, by=actor(request))}


@router.post("/me/second-factor/turn-off", response=answers(None, 204), operation_id="turn_off_second_factor")
def turn_off_second_factor(request: HttpRequest, wish: PresentIn) -> Status[None]:
    """Turn your own second factor off."""
    commands.turn_off_second_factor(wish.present, by=actor(request))
    return Status(204, None)


def _decoded(written: str) -> bytes:
    try:
        return base64.b64decode(written, validate=True)
    except ValueError as error:
        raise Invalid("picture_unreadable", field="picture") from error


def _here(request: HttpRequest) -> UUID:
    """The session that asks."""
    return sessions.guid_of(request.headers.get("Authorization", "").partition(" ")[2])
