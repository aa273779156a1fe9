"""Tokens and the account behind them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from workwire.access import commands, run_time_settings, sessions
from workwire.access import queries as access
from workwire.access.preferences import Preferences
from workwire.api.auth import actor, address_of
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Maybe, answers, given
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.data_field_queries import field_with_code

router = Router(tags=["sessions"])
Theme = Literal["system", "light", "dark"]
Density = Literal["compact", "comfortable"]


class Login(In):
    """A user name with its password and, for a second factor, a code (`otp`); or an application credential's id and secret."""

    username: str | None = None
    password: str | None = None
    otp: str | None = Field(None, max_length=100)
    client_id: str | None = None
    client_secret: str | None = None


class TokenOut(Schema):
    """A bearer token and after how many idle seconds it is void."""

    token: str
    idle_seconds: int


class Me(Schema):
    """The account of the token, what it prefers (null for no choice), and the features it holds now."""

    guid: Guid
    username: str
    full_name: str
    email: str
    manager: Guid | None
    language: str | None
    time_zone: str | None
    theme: Theme | None
    density: Density | None
    short_code: str | None
    features: list[str]


class MyChange(In):
    """Changes to what one's own account prefers; what is left out stays, null takes a choice back."""

    language: Annotated[str, Field(max_length=10)] | None = LEFT_OUT
    time_zone: Annotated[str, Field(max_length=64)] | None = LEFT_OUT
    theme: Theme | None = LEFT_OUT
    density: Density | None = LEFT_OUT
    short_code: Annotated[str, Field(max_length=2)] | None = LEFT_OUT


@router.post("/tokens", response=answers(TokenOut, 201), auth=None, operation_id="create_token")
def create_token(request: HttpRequest, response: HttpResponse, wish: Maybe[Login]) -> Status[dict[str, Any]]:
    """Create a token: log in."""
    response.headers["Cache-Control"], response.headers["Pragma"] = "no-store", "no-cache"
    address = address_of(request)
    if wish.username is not None and wish.password is not None:
        browser = request.headers.get("User-Agent", "")
        token = sessions.log_in(wish.username, wish.password, address=address, browser=browser, otp=wish.otp)
    elif wish.client_id is not None and wish.client_secret is not None:
        token = sessions.exchange_secret(wish.client_id, wish.client_secret, address=address)
    else:
        raise Invalid("credentials_missing")
    return Status(201, {"token": token, "idle_seconds": int(run_time_settings.token_idle().total_seconds())})


@router.delete("/tokens/current", response=answers(None, 204), operation_id="delete_token")
def delete_token(request: HttpRequest) -> Status[None]:
    """End the token: log out."""
    sessions.log_out(request.headers.get("Authorization", "").partition(" ")[2], address=address_of(request))
    return Status(204, None)


@router.get("/me", response=answers(Me), operation_id="get_me")
def get_me(request: HttpRequest) -> dict[str, Any]:
    """Get the account of the token, its preferences and its features."""
    return _me(actor(request))


@router.patch("/me", response=answers(Me), operation_id="update_me")
def update_me(request: HttpRequest, wish: Maybe[MyChange]) -> dict[str, Any]:
    """Change what your own account prefers: its language, its time zone, the look of its pages, the short code of the custom
    data field that a search without one means."""
    by = actor(request)
    if wish.short_code and field_with_code(wish.short_code) is None:
        raise Invalid("short_code_unknown", field="short_code", code=wish.short_code)
    wanted: Preferences = {name: value or "" for name, value in given(wish).items()}  # type: ignore[assignment]  # `MyChange` has the keys of `Preferences`
    commands.set_preferences(access.account(by), by=by, **wanted)
    return _me(by)


def _me(by: Actor) -> dict[str, Any]:
    user = access.account(by)
    return {
        "guid": str(user.guid),
        "username": user.username,
        "full_name": user.full_name,
        "email": user.email,
        "manager": None if user.manager is None else str(user.manager.guid),
        "language": user.language or None,
        "time_zone": user.time_zone or None,
        "theme": user.theme or None,
        "density": user.density or None,
        "short_code": user.short_code or None,
        "features": sorted(by.features),
    }
