"""Tokens and the account behind them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from workwire.access import queries as access
from workwire.access import sessions
from workwire.api.auth import actor
from workwire.api.v1.shapes import Guid, In, Maybe, answers
from workwire.kernel.errors import Invalid

router = Router(tags=["sessions"])


class Login(In):
    """A user name with its password, or an application credential's id with its secret."""

    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


class TokenOut(Schema):
    """A bearer token and after how many idle seconds it is void."""

    token: str
    idle_seconds: int


class Me(Schema):
    """The account of the token and the features it holds now."""

    guid: Guid
    username: str
    full_name: str
    features: list[str]


@router.post("/tokens", response=answers(TokenOut, 201), auth=None, operation_id="create_token")
def create_token(request: HttpRequest, response: HttpResponse, wish: Maybe[Login]) -> Status[dict[str, Any]]:
    """Create a token: log in."""
    response.headers["Cache-Control"], response.headers["Pragma"] = "no-store", "no-cache"
    address, most = str(request.META.get("REMOTE_ADDR", "")), settings.CONFIG.login_attempts
    if wish.username is not None and wish.password is not None:
        token = sessions.log_in(wish.username, wish.password, address=address, most_failures=most)
    elif wish.client_id is not None and wish.client_secret is not None:
        token = sessions.exchange_secret(wish.client_id, wish.client_secret, address=address, most_failures=most)
    else:
        raise Invalid("credentials_missing")
    return Status(201, {"token": token, "idle_seconds": settings.CONFIG.token_idle_minutes * 60})


@router.delete("/tokens/current", response=answers(None, 204), operation_id="delete_token")
def delete_token(request: HttpRequest) -> Status[None]:
    """End the token: log out."""
    sessions.log_out(request.headers.get("Authorization", "").partition(" ")[2])
    return Status(204, None)


@router.get("/me", response=answers(Me), operation_id="get_me")
def get_me(request: HttpRequest) -> dict[str, Any]:
    """Get the account of the token and its features."""
    user = access.account(actor(request))
    return {
        "guid": str(user.guid),
        "username": user.username,
        "full_name": user.full_name,
        "features": sorted(actor(request).features),
    }
