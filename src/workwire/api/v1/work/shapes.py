"""How work items come in and go out, and the one way to carry a command out on one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Moment, rfc3339
from workwire.api.v1.spelling import (
    KindName,
    RagName,
    ResolutionMethodName,
    StartedByName,
    StatusName,
    StatusReasonName,
    WaitTypeName,
    spelled,
)
from workwire.kernel.actor import Actor
from workwire.kernel.pages import Page
from workwire.rooms.files import commands as files
from workwire.rooms.work import commands, family_sight, queries

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem


class ItemContactIn(In):
    """A contact or account to add to a work item, with these contact tags."""

    guid: UUID
    tags: list[UUID] = []


class FileIn(In):
    """An upload that becomes a file of the work item, with these file tags."""

    upload: UUID
    file_name: str | None = Field(None, max_length=255)
    note: str | None = None
    tags: list[UUID] = []


class ItemFields(In):
    """What may be written of a work item; what is left out stays, contacts and files are added to those that are there.
    `due_date` null goes back to the rule of the process. With `keep_with_me` the item comes back to you, with
    `keep_actions_with_me` all future actions of a case come to you."""

    title: Annotated[str, Field(max_length=500)] = LEFT_OUT
    description: str = LEFT_OUT
    category: UUID = LEFT_OUT
    custom_data: dict[str, Any] = LEFT_OUT
    record_count: Annotated[int, Field(ge=1)] = LEFT_OUT
    due_date: datetime | None = LEFT_OUT
    schedule_period: UUID = LEFT_OUT
    keep_with_me: bool = LEFT_OUT
    keep_actions_with_me: bool = LEFT_OUT
    contacts: list[ItemContactIn] = LEFT_OUT
    files: list[FileIn] = LEFT_OUT


class ItemOut(Schema):
    """A work item; other records are named by their GUIDs. `news_since` is since when something new at a case has not been
    acknowledged; `sequence` is that of the last event these values show."""

    guid: Guid
    kind: KindName
    reference: str
    title: str
    description: str
    status: StatusName
    status_reason: StatusReasonName
    rag: RagName
    due_date: Moment | None
    due_date_overridden: bool
    news_since: Moment | None
    waits_for: WaitTypeName | None
    wait_until: Moment | None
    resolution_method: ResolutionMethodName | None
    resolved_on: Moment | None
    resolved_by: Guid | None
    closes_on: Moment | None
    customer: Guid
    contract: Guid
    service: Guid
    process_version: Guid
    work_type: str
    parent: Guid | None
    category: Guid | None
    current_step: int | None
    schedule_period: Guid | None
    ad_hoc: bool
    independent: bool
    assignee: Guid | None
    owner: Guid | None
    queue: Guid | None
    kept_with: Guid | None
    actions_kept_with: Guid | None
    robot_rejected: bool
    rejected_reason: str
    started_by: Guid | None
    started_by_method: StartedByName
    record_count: int
    custom_data: dict[str, Any]
    created_at: Moment
    updated_at: Moment
    version: int
    sequence: int


def fields_of(wish: ItemFields) -> dict[str, Any]:
    """The fields given, by the names commands use."""
    given = wish.dict(exclude_unset=True, include=set(ItemFields.model_fields) - {"contacts", "files"})
    if "due_date" in given and given["due_date"] is None:
        del given["due_date"]
        given["follow_rule"] = True
    if "category" in given:
        given["category_guid"] = given.pop("category")
    if wish.contacts:
        given["contacts"] = [contact_wish(contact) for contact in wish.contacts]
    if wish.files:
        given["files"] = [file_wish(file) for file in wish.files]
    return given


def contact_wish(wish: ItemContactIn) -> commands.ContactWish:
    """A contact as commands want it."""
    return commands.ContactWish(wish.guid, tuple(commands.TagWish(tag) for tag in wish.tags))


def file_wish(wish: FileIn) -> files.FileWish:
    """A new file as commands want it."""
    return files.FileWish(
        temporary_guid=wish.upload,
        file_name=wish.file_name,
        note=wish.note,
        tags=tuple(files.TagWish(tag) for tag in wish.tags),
    )


def do(
    command: Callable[..., WorkItem],
    request: HttpRequest,
    response: HttpResponse,
    guid: UUID,
    *given: Any,
    **named: Any,
) -> dict[str, Any]:
    """Carry one command out on a work item, at the version `If-Match` insists on; returns the item afterwards."""
    by = actor(request)
    command(queries.item(guid, by=by), *given, by=by, version=etags.wanted(request), **named)
    return show(queries.item(guid, by=by), request, response)


def show(item: WorkItem, request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """A work item as the answer, with its version as ETag."""
    etags.tag(response, item.version)
    return item_out(item, actor(request))


def items_out(rows: Sequence[Any], by: Actor) -> list[dict[str, Any]]:
    """Work items of a list as they go out, with one look at what is shown of their families."""
    seen = family_sight.origins_seen(rows, by=by)
    return [item_out(row, by, seen) for row in rows]


def item_listing(page: Page[Any], by: Actor) -> dict[str, Any]:
    """A page of work items as it goes out."""
    return {"items": items_out(page.rows, by), "next_cursor": page.next_cursor}


def item_out(row: Any, by: Actor, seen: Collection[int] | None = None) -> dict[str, Any]:
    """A work item as it goes out."""
    return {
        "guid": str(row.guid),
        "kind": spelled(queries.ProcessType(row.kind)),
        "reference": row.reference or "",
        "title": row.title,
        "description": row.description,
        "status": spelled(queries.Status(row.status)),
        "status_reason": spelled(queries.StatusReason(row.status_reason)),
        "rag": spelled(queries.rag(row)),
        "due_date": rfc3339(row.due_date),
        "due_date_overridden": row.due_date_overridden,
        "news_since": rfc3339(row.news_since),
        "waits_for": spelled(queries.WaitType(row.wait_type)) if row.wait_type else None,
        "wait_until": rfc3339(row.wait_until),
        "resolution_method": spelled(queries.ResolutionMethod(row.resolution_method))
        if row.resolution_method
        else None,
        "resolved_on": rfc3339(row.resolved_on),
        "resolved_by": guid_of(row.resolved_by),
        "closes_on": rfc3339(row.closes_on),
        "customer": str(row.customer.guid),
        "contract": str(row.contract.guid),
        "service": str(row.service.guid),
        "process_version": str(row.process_version.guid),
        "work_type": row.work_type.name,
        "parent": guid_of(queries.parent_of(row)),
        "category": guid_of(row.category),
        "current_step": row.current_step.number if row.current_step else None,
        "schedule_period": guid_of(row.schedule_period),
        "ad_hoc": row.ad_hoc,
        "independent": row.independent,
        "assignee": guid_of(row.assignee),
        "owner": guid_of(row.owner),
        "queue": guid_of(row.queue),
        "kept_with": guid_of(row.keep_with),
        "actions_kept_with": guid_of(row.keep_actions_with),
        "robot_rejected": row.robot_rejected,
        "rejected_reason": queries.why_rejected(row),
        "started_by": guid_of(row.started_by),
        "started_by_method": spelled(queries.StartedBy(row.started_by_method)),
        "record_count": row.record_count,
        "custom_data": family_sight.custom_data_shown(row, by=by, seen=seen),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
        "sequence": row.sequence,
    }


def guid_of(record: Any) -> str | None:
    """The GUID of a record as text, None where there is none."""
    return str(record.guid) if record is not None else None
