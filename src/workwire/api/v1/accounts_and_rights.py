"""Accounts, roles, application credentials."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import commands, features, queries, usable_links
from workwire.access.commands.accounts import LONGEST_PASSWORD
from workwire.api import etags
from workwire.api.auth import actor, allowed
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import (
    CONTENT,
    LEFT_OUT,
    Guid,
    In,
    Listing,
    Maybe,
    Moment,
    Name,
    answers,
    aware,
    given,
    listing,
    rfc3339,
)
from workwire.api.v1.spelling import UserTypeName, chosen, spelled
from workwire.kernel import folding
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import page
from workwire.rooms.files import sniffing

if TYPE_CHECKING:
    from workwire.access.models import Credential, Role, User

router = Router(tags=["administration"])


class RoleOut(Schema):
    """A role and the features it holds."""

    guid: Guid
    name: str
    kind: str
    features: list[str]
    requires_second_factor: bool
    version: int


class RoleIn(In):
    """A role to make, with the names of its features."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Literal["operational", "builder"]
    features: list[str] = []
    requires_second_factor: bool = False


class RoleChange(In):
    """Changes to a role; what is left out stays."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = LEFT_OUT
    features: list[str] = LEFT_OUT
    requires_second_factor: bool = LEFT_OUT


class UserIn(In):
    """An account to make; roles by name, one operational and at most one builder role."""

    username: str = Field(min_length=1, max_length=150)
    full_name: str = Field("", max_length=200)
    email: str = Field("", max_length=254)
    user_type: UserTypeName = "operational"
    roles: list[str]
    password: str | None = Field(None, max_length=LONGEST_PASSWORD)
    manager: UUID | None = None
    language: str | None = Field(None, max_length=10)
    time_zone: str | None = Field(None, max_length=64)


class UserChange(In):
    """Changes to an account; what is left out stays. A robot that is `suspended` is given no work; it keeps what it has."""

    active: bool = LEFT_OUT
    suspended: bool = LEFT_OUT
    full_name: Annotated[str, Field(max_length=200)] = LEFT_OUT
    email: Annotated[str, Field(max_length=254)] = LEFT_OUT
    roles: list[str] = LEFT_OUT
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)] = LEFT_OUT
    manager: UUID | None = LEFT_OUT
    language: Annotated[str, Field(max_length=10)] | None = LEFT_OUT
    time_zone: Annotated[str, Field(max_length=64)] | None = LEFT_OUT


class UserOut(Schema):
    """An account."""

    guid: Guid
    username: str
    full_name: str
    email: str
    user_type: UserTypeName
    active: bool
    suspended: bool
    roles: list[str]
    manager: Guid | None
    language: str | None
    time_zone: str | None
    version: int


class PasswordLinkOut(Schema):
    """A link by which an account sets a new password once: the path of the page, shown this once, and until when it works."""

    path: str
    expires_at: Moment


class EndedSessionsOut(Schema):
    """How many sessions were ended."""

    ended: int


class CredentialIn(In):
    """An application credential to make for one's own account; roles by name."""

    name: Name
    roles: list[str]
    expires_at: datetime


class CredentialChange(In):
    """Changes to an application credential; what is left out stays."""

    name: Name = LEFT_OUT
    expires_at: datetime = LEFT_OUT
    roles: list[str] = LEFT_OUT


class CredentialOut(Schema):
    """An application credential."""

    guid: Guid
    name: str
    client_id: str
    user: Guid
    roles: list[str]
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    last_used_at: Moment | None


class CredentialMade(CredentialOut):
    """An application credential with its secret, shown this once."""

    client_secret: str | None = None


@router.get("/roles", response=answers(Listing[RoleOut]), operation_id="list_roles")
def list_roles(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all roles."""
    return listing(page(queries.roles(), **paging.arguments()), _role, actor(request))


@router.post("/roles", response=answers(RoleOut, 201), operation_id="create_role")
def create_role(request: HttpRequest, wish: RoleIn) -> Status[dict[str, Any]]:
    """Create a role of features you hold."""
    by = allowed(request, features.ROLES)

    def create() -> dict[str, Any]:
        second = wish.requires_second_factor
        return _role(commands.create_role(wish.name, wish.kind, wish.features, second_factor=second, by=by), by)

    return Status(201, once(request, create))


@router.get("/roles/{uuid:guid}", response=answers(RoleOut), operation_id="get_role")
def get_role(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one role."""
    found = queries.role(guid)
    etags.tag(response, found.version)
    return _role(found, actor(request))


@router.patch("/roles/{uuid:guid}", response=answers(RoleOut), operation_id="update_role")
def update_role(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[RoleChange]) -> dict[str, Any]:
    """Change the name or the features of a role; the tokens of all who hold it end when its features change."""
    by = allowed(request, features.ROLES)
    wanted = etags.wanted(request)
    commands.change_role(
        queries.role(guid),
        name=wish.name,
        features_held=wish.features,
        second_factor=wish.requires_second_factor,
        by=by,
        version=wanted,
    )
    changed = queries.role(guid)
    etags.tag(response, changed.version)
    return _role(changed, by)


@router.delete("/roles/{uuid:guid}", response=answers(None, 204), operation_id="remove_role")
def remove_role(request: HttpRequest, guid: UUID) -> Status[None]:
    """Remove a role that no account and no credential holds."""
    commands.remove_role(queries.role(guid), by=allowed(request, features.ROLES))
    return Status(204, None)


@router.get("/users", response=answers(Listing[UserOut]), operation_id="list_users")
def list_users(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all accounts; needs the feature to manage them."""
    by = allowed(request, features.USERS)
    return listing(page(queries.users_visible_to(by), **paging.arguments()), _user, by)


@router.post("/users", response=answers(UserOut, 201), operation_id="create_user")
def create_user(request: HttpRequest, wish: UserIn) -> Status[dict[str, Any]]:
    """Create an account."""
    by = allowed(request, features.USERS)

    def create() -> dict[str, Any]:
        made = commands.create_user(
            wish.username,
            wish.full_name,
            _roles(wish.roles),
            password=wish.password,
            email=wish.email,
            user_type=chosen(UserType, wish.user_type),
            manager=None if wish.manager is None else queries.user(wish.manager, by=by),
            language=wish.language or "",
            time_zone=wish.time_zone or "",
            by=by,
        )
        return _user(made, by)

    return Status(201, once(request, create))


@router.get("/users/{uuid:guid}", response=answers(UserOut), operation_id="get_user")
def get_user(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one account; needs the feature to manage them."""
    by = allowed(request, features.USERS)
    found = queries.user(guid, by=by)
    etags.tag(response, found.version)
    return _user(found, by)


@router.patch("/users/{uuid:guid}", response=answers(UserOut), operation_id="update_user")
def update_user(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[UserChange]) -> dict[str, Any]:
    """Change an account; its tokens end when its roles or password change or it is retired."""
    by = allowed(request, features.USERS)
    commands.change_user(
        queries.user(guid, by=by),
        by=by,
        version=etags.wanted(request),
        **_changes(given(wish), by),
    )
    changed = queries.user(guid, by=by)
    etags.tag(response, changed.version)
    return _user(changed, by)


@router.post(
    "/users/{uuid:guid}/password-link", response=answers(PasswordLinkOut, 201), operation_id="create_password_link"
)
def create_password_link(request: HttpRequest, guid: UUID) -> Status[dict[str, Any]]:
    """Make a link by which an account sets a new password, once within a day: hand it over, only this answer holds it."""
    by = allowed(request, features.USERS)
    made, token = commands.give_link(queries.user(guid, by=by), by=by)
    return Status(201, {"path": usable_links.path_of(token), "expires_at": rfc3339(made.expires_at)})


@router.post("/users/{uuid:guid}/end-sessions", response=answers(EndedSessionsOut), operation_id="end_user_sessions")
def end_user_sessions(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """End the sessions in which a person is signed in to an account; application credentials keep theirs."""
    by = allowed(request, features.USERS)
    return {"ended": commands.end_sessions(queries.user(guid, by=by), by=by)}


@router.get("/users/{uuid:guid}/picture", response=answers(None), operation_id="get_picture", openapi_extra=CONTENT)
def get_picture(request: HttpRequest, guid: UUID) -> HttpResponse:
    """Get the picture of an account: your own, or any as who manages accounts."""
    found = queries.picture(guid, by=actor(request))
    headers = sniffing.download_headers("picture", found.media_type, inline=True)
    return HttpResponse(bytes(found.content), headers=headers)


@router.delete("/users/{uuid:guid}/picture", response=answers(None, 204), operation_id="remove_picture")
def remove_picture(request: HttpRequest, guid: UUID) -> Status[None]:
    """Remove the picture of an account."""
    by = allowed(request, features.USERS)
    commands.remove_picture(queries.user(guid, by=by), by=by)
    return Status(204, None)


@router.delete("/users/{uuid:guid}/second-factor", response=answers(None, 204), operation_id="remove_second_factor")
def remove_second_factor(request: HttpRequest, guid: UUID) -> Status[None]:
    """Remove the second factor that an account lost; its sessions end."""
    by = allowed(request, features.USERS)
    commands.remove_second_factor(queries.user(guid, by=by), by=by)
    return Status(204, None)


@router.get("/credentials", response=answers(Listing[CredentialOut]), operation_id="list_credentials")
def list_credentials(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List your application credentials; administrators get those of all accounts."""
    by = actor(request)
    return listing(page(queries.credentials_of(by), **paging.arguments()), _credential, by)


@router.post("/credentials", response=answers(CredentialMade, 201), operation_id="create_credential")
def create_credential(request: HttpRequest, wish: CredentialIn) -> Status[dict[str, Any]]:
    """Create an application credential; only this answer holds its secret."""
    by = actor(request)
    expires_at = aware(wish.expires_at, "expires_at")

    def create() -> dict[str, Any]:
        made, secret = commands.create_credential(
            queries.account(by), wish.name, _roles(wish.roles), expires_at=expires_at, by=by
        )
        return _credential(made, by) | {"client_secret": secret}

    return Status(201, once(request, create, hide=("client_secret",)))


@router.patch("/credentials/{uuid:guid}", response=answers(CredentialOut), operation_id="update_credential")
def update_credential(request: HttpRequest, guid: UUID, wish: Maybe[CredentialChange]) -> dict[str, Any]:
    """Change the name, the expiry or the roles of an application credential."""
    by = actor(request)
    expires_at = None if wish.expires_at is None else aware(wish.expires_at, "expires_at")
    roles = None if wish.roles is None else _roles(wish.roles)
    commands.update_credential(
        queries.credential(guid, by=by), by=by, name=wish.name, expires_at=expires_at, roles=roles
    )
    return _credential(queries.credential(guid, by=by), by)


@router.post(
    "/credentials/{uuid:guid}/renew-secret", response=answers(CredentialMade), operation_id="renew_credential_secret"
)
def renew_credential_secret(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Replace the secret of an application credential: only this answer holds it; the old one and its tokens end at once."""
    by = actor(request)
    _, secret = commands.renew_secret(queries.credential(guid, by=by), by=by)
    return _credential(queries.credential(guid, by=by), by) | {"client_secret": secret}


@router.delete("/credentials/{uuid:guid}", response=answers(None, 204), operation_id="revoke_credential")
def revoke_credential(request: HttpRequest, guid: UUID) -> Status[None]:
    """Revoke an application credential and its tokens."""
    by = actor(request)
    commands.revoke_credential(queries.credential(guid, by=by), by=by)
    return Status(204, None)


def _roles(names: list[str]) -> list[Role]:
    found, wanted = {role.name_key: role for role in queries.roles()}, [folding.key(name) for name in names]
    if not set(wanted) <= set(found):
        raise Invalid("role_unknown", field="roles")
    return [found[name] for name in dict.fromkeys(wanted)]


def _changes(wanted: dict[str, Any], by: Actor) -> Any:
    """A change of an account as its command takes it; null is no manager, or no choice."""
    changes = wanted | {name: wanted[name] or "" for name in ("language", "time_zone") if name in wanted}
    if "roles" in wanted:
        changes["roles"] = _roles(wanted["roles"])
    if wanted.get("manager") is not None:
        changes["manager"] = queries.user(wanted["manager"], by=by)
    return changes


def _role(row: Role, _actor: Actor) -> dict[str, Any]:
    held = sorted(feature.feature for feature in row.features.all())
    return {
        "guid": str(row.guid),
        "name": row.name,
        "kind": row.kind,
        "features": held,
        "requires_second_factor": row.requires_second_factor,
        "version": row.version,
    }


def _user(row: User, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "username": row.username,
        "full_name": row.full_name,
        "email": row.email,
        "user_type": spelled(UserType(row.user_type)),
        "active": row.is_active,
        "suspended": row.suspended_at is not None,
        "roles": sorted(assignment.role.name for assignment in row.role_assignments.all()),
        "manager": None if row.manager is None else str(row.manager.guid),
        "language": row.language or None,
        "time_zone": row.time_zone or None,
        "version": row.version,
    }


def _credential(row: Credential, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "client_id": row.client_id,
        "user": str(row.user.guid),
        "roles": sorted(role.name for role in row.roles.all()),
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "revoked_at": rfc3339(row.revoked_at),
        "last_used_at": rfc3339(row.last_used_at),
    }
