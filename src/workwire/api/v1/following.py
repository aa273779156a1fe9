"""What you follow, and your focus list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, In, Listing, Maybe, Moment, answers, rfc3339, whole
from workwire.api.v1.spelling import StatusName, spelled
from workwire.api.v1.work.shapes import ItemOut, item_listing
from workwire.kernel.pages import page
from workwire.rooms.following import commands, queries
from workwire.rooms.work import queries as items

if TYPE_CHECKING:
    from workwire.kernel.actor import Actor
    from workwire.rooms.following.models import FocusEntry
    from workwire.rooms.work.models import WorkItem

router = Router(tags=["following"])


class FollowingOut(Schema):
    """Whether you follow a work item, and since when."""

    following: bool
    since: Moment | None


class FocusIn(In):
    """A place on the focus list, counted from 1; without it, the end."""

    place: int | None = Field(None, ge=1)


class FocusOut(Schema):
    """A work item on your focus list."""

    work_item: Guid
    reference: str
    title: str
    status: StatusName
    place: int
    added_at: Moment


@router.get("/followed-work-items", response=answers(Listing[ItemOut]), operation_id="list_followed_work_items")
def list_followed(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the work items that you follow, newest first."""
    by = actor(request)
    return item_listing(page(queries.followed(by=by), **paging.arguments()), by)


@router.get("/work-items/{uuid:guid}/following", response=answers(FollowingOut), operation_id="get_following")
def get_following(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Say whether you follow a work item."""
    by = actor(request)
    return _following(items.item(guid, by=by), by)


@router.put("/work-items/{uuid:guid}/following", response=answers(FollowingOut), operation_id="follow_work_item")
def follow(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Follow a work item: be told of what comes in, of files, when it is overdue, and when it needs attention."""
    by = actor(request)
    item = items.item(guid, by=by)
    commands.follow(item, by=by)
    return _following(item, by)


@router.delete("/work-items/{uuid:guid}/following", response=answers(None, 204), operation_id="unfollow_work_item")
def unfollow(request: HttpRequest, guid: UUID) -> Status[None]:
    """Follow a work item no more."""
    by = actor(request)
    commands.unfollow(items.item(guid, by=by), by=by)
    return Status(204, None)


@router.get("/focus-list", response=answers(Listing[FocusOut]), operation_id="list_focus_list")
def list_focus(request: HttpRequest) -> dict[str, Any]:
    """List your focus list in its order."""
    return whole([_entry(row) for row in queries.focus_list(by=actor(request))])


@router.put("/focus-list/{uuid:guid}", response=answers(Listing[FocusOut]), operation_id="put_on_focus_list")
def put_on_focus_list(request: HttpRequest, guid: UUID, wish: Maybe[FocusIn]) -> dict[str, Any]:
    """Put a work item on your focus list, or move it to another place; returns the list."""
    by = actor(request)
    commands.focus(items.item(guid, by=by), by=by, place=wish.place)
    return whole([_entry(row) for row in queries.focus_list(by=by)])


@router.delete("/focus-list/{uuid:guid}", response=answers(None, 204), operation_id="take_off_focus_list")
def take_off_focus_list(request: HttpRequest, guid: UUID) -> Status[None]:
    """Take a work item off your focus list."""
    by = actor(request)
    commands.unfocus(items.item(guid, by=by), by=by)
    return Status(204, None)


def _following(item: WorkItem, by: Actor) -> dict[str, Any]:
    since = queries.followed_since(item, by=by)
    return {"following": since is not None, "since": rfc3339(since)}


def _entry(row: FocusEntry) -> dict[str, Any]:
    return {
        "work_item": str(row.work_item.guid),
        "reference": row.work_item.reference or "",
        "title": row.work_item.title,
        "status": spelled(items.Status(row.work_item.status)),
        "place": row.place,
        "added_at": rfc3339(row.added_at),
    }
