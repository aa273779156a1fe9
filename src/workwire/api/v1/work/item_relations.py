"""How work items are related: relations and links, and merging, splitting and converting tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Moment, answers, listing, rfc3339, whole
from workwire.api.v1.spelling import KindName, RelationName, StatusName, spelled
from workwire.api.v1.work.shapes import ItemFields, ItemOut, do, fields_of, guid_of, item_out, items_out
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import page
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, family_sight, queries, relations

router = Router()


class RelationOut(Schema):
    """A relation: the other work item, and what that one is to this one, such as `split_into` of a ticket that was split. Of
    linked work that you may not see (`may_open` is false) only its header is shown: reference, title, the names of assignee
    and queue, and the due date."""

    guid: Guid
    relation: RelationName
    may_open: bool
    item: Guid | None
    kind: KindName | None
    reference: str
    title: str
    status: StatusName | None
    assignee_name: str | None
    queue_name: str | None
    due_date: Moment | None
    made_by: Guid | None
    made_at: Moment | None


class MemberOut(Schema):
    """A work item of a family: a case, what lies in it, the ticket that it was made for, a ticket that went into one of them.
    `parent` is what it lies in."""

    item: Guid
    kind: KindName
    reference: str
    title: str
    status: StatusName
    parent: Guid | None


class Links(In):
    """The tickets and cases to link to the main one."""

    others: Annotated[list[UUID], Field(min_length=1, max_length=commands.MOST_LINKED)]


class LinkedIn(ItemFields):
    """A ticket or case to begin, linked to another one, with copies of what `copies` names of that one."""

    process_version: UUID
    submit: bool = False
    copies: list[Literal["contacts", "custom_data", "files", "defects", "communications"]] = []


class MergeTarget(In):
    """The work item that the ticket is merged into."""

    into: UUID


class MergedTickets(In):
    """The tickets to merge into the work item."""

    tickets: Annotated[list[UUID], Field(min_length=1, max_length=commands.MOST_MERGED)]


class PartIn(In):
    """One of the tickets to make; what is left out is that of the ticket that is split."""

    title: Annotated[str, Field(max_length=500)] = LEFT_OUT
    description: str = LEFT_OUT
    process_version: UUID = LEFT_OUT
    category: UUID = LEFT_OUT


class Split(In):
    """The tickets that a ticket is split into."""

    parts: Annotated[list[PartIn], Field(min_length=2, max_length=commands.MOST_PARTS)]


class Conversion(In):
    """The case that a ticket becomes; what is left out is that of the ticket, the due date that of the process."""

    process_version: UUID
    title: Annotated[str, Field(max_length=500)] = LEFT_OUT
    description: str = LEFT_OUT
    due_date: datetime = LEFT_OUT
    schedule_period: UUID = LEFT_OUT
    keep_with_me: bool = LEFT_OUT
    keep_actions_with_me: bool = LEFT_OUT


class Made(Schema):
    """The tickets that were made."""

    items: list[ItemOut]


@router.get("/work-items/{uuid:guid}/relations", response=answers(Listing[RelationOut]), operation_id="list_relations")
def list_relations(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List what a work item was split, merged or converted from or into, and what it is linked to, newest first."""
    by = actor(request)
    item = queries.item(guid, by=by)

    def show(row: relations.Relation, _actor: Actor) -> dict[str, Any]:
        seen = relations.seen_from(item, row)
        other, may_open = seen.other, seen.may_open
        return {
            "guid": str(seen.guid),
            "relation": seen.name,
            "may_open": may_open,
            "item": str(other.guid) if may_open else None,
            "kind": spelled(queries.ProcessType(other.kind)) if may_open else None,
            "reference": other.reference or "",
            "title": other.title,
            "status": spelled(queries.Status(other.status)) if may_open else None,
            "assignee_name": other.assignee.full_name if other.assignee else None,
            "queue_name": other.queue.name if other.queue else None,
            "due_date": rfc3339(other.due_date) if other.status != queries.Status.DRAFT else None,
            "made_by": guid_of(row.made_by) if may_open else None,
            "made_at": rfc3339(row.made_at) if may_open else None,
        }

    return listing(page(relations.relations_of(item, by=by), **paging.arguments()), show, by)


@router.get("/work-items/{uuid:guid}/family", response=answers(Listing[MemberOut]), operation_id="list_family")
def list_family(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the family of a work item, as far as you see it, newest first: files, defects and custom data are shared in it."""
    by = actor(request)

    def show(row: Any, _actor: Actor) -> dict[str, Any]:
        return {
            "item": str(row.guid),
            "kind": spelled(queries.ProcessType(row.kind)),
            "reference": row.reference or "",
            "title": row.title,
            "status": spelled(queries.Status(row.status)),
            "parent": guid_of(queries.parent_of(row)),
        }

    return listing(page(family_sight.members(queries.item(guid, by=by), by=by), **paging.arguments()), show, by)


@router.post("/work-items/{uuid:guid}/links", response=answers(ItemOut), operation_id="link_work_items")
def link(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Links) -> dict[str, Any]:
    """Link other tickets and cases to a work item, the main one."""
    return do(commands.link, request, response, guid, _items(wish.others, "others", actor(request)))


@router.post("/work-items/{uuid:guid}/linked-items", response=answers(ItemOut, 201), operation_id="create_linked_item")
def create_linked(request: HttpRequest, guid: UUID, wish: LinkedIn) -> Status[dict[str, Any]]:
    """Create a ticket or case that is linked to a work item, with one-time copies of what you name."""
    by = actor(request)

    def make() -> dict[str, Any]:
        copies = {commands.Copied(name) for name in wish.copies}
        item, fields = queries.item(guid, by=by), fields_of(wish)
        made = commands.create_linked(item, wish.process_version, by=by, copies=copies, submit=wish.submit, **fields)
        return item_out(queries.item(made.guid, by=by), by)

    return Status(201, once(request, make))


@router.delete(
    "/work-items/{uuid:guid}/links/{uuid:other}", response=answers(ItemOut), operation_id="unlink_work_items"
)
def unlink(request: HttpRequest, response: HttpResponse, guid: UUID, other: UUID) -> dict[str, Any]:
    """Take the link between two work items away, whichever is the main one."""
    return do(commands.unlink, request, response, guid, queries.item(other, by=actor(request)))


@router.get(
    "/work-items/{uuid:guid}/merge-targets", response=answers(Listing[ItemOut]), operation_id="list_merge_targets"
)
def list_merge_targets(
    request: HttpRequest, guid: UUID, text: Annotated[str, Query(min_length=2, max_length=200)]
) -> dict[str, Any]:
    """Find work items that a ticket may be merged into, at most 50: by reference, title, customer, contract or service."""
    by = actor(request)
    found = relations.merge_targets(queries.item(guid, by=by), text, by=by)
    return whole(items_out(found, by))


@router.post("/work-items/{uuid:guid}/merge-into", response=answers(ItemOut), operation_id="merge_ticket_into")
def merge_into(request: HttpRequest, response: HttpResponse, guid: UUID, wish: MergeTarget) -> dict[str, Any]:
    """Close a ticket, because its work goes on in another work item."""
    into = _items([wish.into], "into", actor(request))[0]

    def merge(ticket: Any, *, by: Actor, version: int | None) -> Any:
        return conversations.merge_tickets([ticket], into, by=by, version=version)

    return do(merge, request, response, guid)


@router.post("/work-items/{uuid:guid}/merge", response=answers(ItemOut), operation_id="merge_tickets")
def merge_tickets(request: HttpRequest, response: HttpResponse, guid: UUID, wish: MergedTickets) -> dict[str, Any]:
    """Close other tickets, because their work goes on in this work item."""
    tickets = _items(wish.tickets, "tickets", actor(request))

    def merge(into: Any, *, by: Actor, version: int | None) -> Any:
        return conversations.merge_tickets(tickets, into, by=by, target_version=version)

    return do(merge, request, response, guid)


@router.post("/work-items/{uuid:guid}/split", response=answers(Made, 201), operation_id="split_ticket")
def split(request: HttpRequest, guid: UUID, wish: Split) -> Status[dict[str, Any]]:
    """Split a ticket into new ones, which it waits for."""
    by = actor(request)

    def make() -> dict[str, Any]:
        parts = [
            commands.Part(part.title, part.description, part.process_version, part.category) for part in wish.parts
        ]
        made = commands.split(queries.item(guid, by=by), parts, by=by, version=etags.wanted(request))
        seen = queries.items_visible_to(by).filter(pk__in=[ticket.pk for ticket in made]).order_by("pk")
        return {"items": items_out(list(seen), by)}

    return Status(201, once(request, make))


@router.post("/work-items/{uuid:guid}/convert", response=answers(ItemOut, 201), operation_id="convert_ticket")
def convert(request: HttpRequest, guid: UUID, wish: Conversion) -> Status[dict[str, Any]]:
    """Start a case for a ticket, which lies above it and waits for its end."""
    by = actor(request)

    def make() -> dict[str, Any]:
        fields = wish.dict(exclude_unset=True, exclude={"process_version"})
        ticket, version = queries.item(guid, by=by), etags.wanted(request)
        made = commands.convert(ticket, wish.process_version, by=by, version=version, **fields)
        return item_out(queries.item(made.guid, by=by), by)

    return Status(201, once(request, make))


def _items(guids: list[UUID], field: str, by: Actor) -> list[Any]:
    """The work items that a body names, as far as the actor sees them all; raises Invalid."""
    found = {item.guid: item for item in queries.items_visible_to(by).filter(guid__in=set(guids))}
    if len(found) < len(set(guids)):
        raise Invalid("work_item_not_found", field=field)
    return [found[guid] for guid in dict.fromkeys(guids)]
