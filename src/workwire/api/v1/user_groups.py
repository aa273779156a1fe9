"""User groups, and what they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.access import commands, features, queries
from workwire.api import etags
from workwire.api.auth import allowed
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Name, answers, listing
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.offering import queries as offering
from workwire.rooms.parties import queries as parties

if TYPE_CHECKING:
    from workwire.access.models import UserGroup

router = Router(tags=["administration"])
Level = Literal["company", "contract", "service", "process"]
_FINDERS = {
    "company": parties.company,
    "contract": parties.contract,
    "service": parties.service,
    "process": offering.process,
}


class GroupIn(In):
    """The name of a user group."""

    name: Name


class GroupOut(Schema):
    """A user group."""

    guid: Guid
    name: str
    members: list[Guid]
    version: int


@router.get("/user-groups", response=answers(Listing[GroupOut]), operation_id="list_user_groups")
def list_groups(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all user groups; needs the feature to manage them."""
    by = allowed(request, features.GROUPS)
    return listing(page(queries.groups_with_members(), **paging.arguments()), _group, by)


@router.post("/user-groups", response=answers(GroupOut, 201), operation_id="create_user_group")
def create_group(request: HttpRequest, wish: GroupIn) -> Status[dict[str, Any]]:
    """Create a user group."""
    by = allowed(request, features.GROUPS)
    return Status(201, once(request, lambda: _group(commands.create_group(wish.name, by=by), by)))


@router.patch("/user-groups/{uuid:guid}", response=answers(GroupOut), operation_id="rename_user_group")
def rename_group(request: HttpRequest, response: HttpResponse, guid: UUID, wish: GroupIn) -> dict[str, Any]:
    """Give a user group another name."""
    by = allowed(request, features.GROUPS)
    commands.rename_group(queries.group(guid), wish.name, by=by, version=etags.wanted(request))
    renamed = queries.group(guid)
    etags.tag(response, renamed.version)
    return _group(renamed, by)


@router.put("/user-groups/{uuid:guid}/members/{uuid:user}", response=answers(GroupOut), operation_id="add_member")
def add_member(request: HttpRequest, guid: UUID, user: UUID) -> dict[str, Any]:
    """Add an account to a user group."""
    by = allowed(request, features.GROUPS)
    group = queries.group(guid)
    commands.change_members(group, add=[queries.user(user, by=by)], by=by)
    return _group(queries.group(guid), by)


@router.delete("/user-groups/{uuid:guid}/members/{uuid:user}", response=answers(GroupOut), operation_id="remove_member")
def remove_member(request: HttpRequest, guid: UUID, user: UUID) -> dict[str, Any]:
    """Remove an account from a user group."""
    by = allowed(request, features.GROUPS)
    group = queries.group(guid)
    commands.change_members(group, remove=[queries.user(user, by=by)], by=by)
    return _group(queries.group(guid), by)


@router.put(
    "/user-groups/{uuid:guid}/permissions/{level}/{uuid:target}",
    response=answers(None, 204),
    operation_id="grant_permission",
)
def grant_permission(request: HttpRequest, guid: UUID, level: Level, target: UUID) -> Status[None]:
    """Grant a user group the sight of an object and everything below it."""
    by = allowed(request, features.GROUPS)
    commands.grant(queries.group(guid), level, _FINDERS[level](target, by=by), by=by)
    return Status(204, None)


@router.delete(
    "/user-groups/{uuid:guid}/permissions/{level}/{uuid:target}",
    response=answers(None, 204),
    operation_id="revoke_permission",
)
def revoke_permission(request: HttpRequest, guid: UUID, level: Level, target: UUID) -> Status[None]:
    """Revoke a data permission; messages prepared from now on honour it."""
    by = allowed(request, features.GROUPS)
    commands.revoke(queries.group(guid), level, _FINDERS[level](target, by=by), by=by)
    return Status(204, None)


def _group(row: UserGroup, _actor: Actor) -> dict[str, Any]:
    members = [str(user.guid) for user in row.members.all()]
    return {"guid": str(row.guid), "name": row.name, "members": members, "version": row.version}
