"""Tickets, cases and actions; what happened to them and what was said about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api import versions
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import In, Listing, answers, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import page
from workwire.outbox.ledger import history
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import queries as said
from workwire.rooms.work import commands, queries

if TYPE_CHECKING:
    from workwire.outbox.models import Event
    from workwire.rooms.conversations.models import Communication
    from workwire.rooms.work.models import WorkItem

router = Router(tags=["work"])
Kind = Literal["ticket", "case", "action"]


class ItemFields(In):
    """What may be written of a work item; what is left out stays."""

    title: str | None = Field(None, max_length=500)
    description: str | None = None
    category: UUID | None = None
    custom_data: dict[str, Any] | None = None
    record_count: int | None = Field(None, ge=1)
    due_date: datetime | None = None


class ItemIn(ItemFields):
    """A ticket or case to start; `submit` makes it work to do at once."""

    process_version: UUID
    submit: bool = False


class Resolution(ItemFields):
    """How a work item was resolved; each kind has a method of its own that is taken when none is named."""

    method: str | None = None


class Wait(In):
    """What to wait for: information (at most until a moment, when one is given), or a date."""

    wait_for: Literal["information", "date"] = Field("information", alias="for")
    until: datetime | None = None


class Assignment(In):
    """Who is to work on it, by GUID; `force` takes it from whoever has it."""

    user: UUID
    force: bool = False


class ItemOut(Schema):
    """A work item."""

    guid: str
    kind: Kind
    reference: str
    title: str
    description: str
    status: str
    status_reason: int
    rag: int
    due_date: str | None
    resolution_method: str | None
    resolved_on: str | None
    customer: str
    contract: str
    service: str
    process_version: str
    parent: str | None
    category: str | None
    assignee: str | None
    owner: str | None
    started_by_method: str
    record_count: int
    custom_data: dict[str, Any]
    created_at: str
    updated_at: str
    version: int


class EventOut(Schema):
    """An event of the ledger, with the body that was sent to subscribers."""

    guid: str
    name: str
    sequence: int
    occurred_at: str
    body: dict[str, Any]


class CommunicationIn(In):
    """Something said; `kind` as in the documented API, a note when it is left out."""

    kind: str | None = None
    body: str = ""
    html_body: str = ""
    subject: str = ""
    sender_address: str = ""
    recipients: str = ""
    copies: str = ""


class CommunicationOut(Schema):
    """Something said."""

    guid: str
    kind: str
    subject: str
    body: str
    sender: str | None
    sender_address: str
    recipients: str
    copies: str
    attachment_count: int
    logged_at: str


@router.get("/work-items", response=answers(Listing[ItemOut]), operation_id="list_work_items")
def list_work_items(
    request: HttpRequest,
    paging: Query[PageQuery],
    kind: Kind | None = None,
    status: str | None = None,
    parent: UUID | None = None,
) -> dict[str, Any]:
    """Work items the account may see, newest first."""
    by = actor(request)
    found = queries.items_visible_to(by)
    if kind is not None:
        found = found.filter(kind=queries.ProcessType[kind.upper()])
    if status is not None:
        found = found.filter(status=_status(status))
    if parent is not None:
        found = found.filter(parent__guid=parent)
    return listing(page(found, **paging.arguments()), _item, by)


@router.get("/work-items/{uuid:guid}", response=answers(ItemOut), operation_id="get_work_item")
def get_work_item(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """One work item."""
    return _answer(queries.item(guid, by=actor(request)), request, response)


@router.patch("/work-items/{uuid:guid}", response=answers(ItemOut), operation_id="update_work_item")
def update_work_item(request: HttpRequest, response: HttpResponse, guid: UUID, wish: ItemFields) -> dict[str, Any]:
    """Change a work item; who edits what is to do takes it."""
    return _do(commands.update, request, response, guid, **_fields(wish))


@router.post("/tickets", response=answers(ItemOut, 201), operation_id="create_ticket")
def create_ticket(request: HttpRequest, wish: ItemIn) -> Status[dict[str, Any]]:
    """Start a ticket."""
    return Status(201, once(request, lambda: _create(commands.create_ticket, request, wish)))


@router.post("/cases", response=answers(ItemOut, 201), operation_id="create_case")
def create_case(request: HttpRequest, wish: ItemIn) -> Status[dict[str, Any]]:
    """Start a case."""
    return Status(201, once(request, lambda: _create(commands.create_case, request, wish)))


@router.post("/work-items/{uuid:guid}/submit", response=answers(ItemOut), operation_id="submit_work_item")
def submit(request: HttpRequest, response: HttpResponse, guid: UUID, wish: ItemFields) -> dict[str, Any]:
    """Make a draft work to do."""
    return _do(commands.submit, request, response, guid, **_fields(wish))


@router.post("/work-items/{uuid:guid}/take", response=answers(ItemOut), operation_id="take_work_item")
def take(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Begin to work on it."""
    return _do(commands.take, request, response, guid)


@router.post("/work-items/{uuid:guid}/assign", response=answers(ItemOut), operation_id="assign_work_item")
def assign(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Assignment) -> dict[str, Any]:
    """Give it to somebody."""
    user = access.user(wish.user, by=actor(request))
    return _do(commands.assign, request, response, guid, user, force=wish.force)


@router.post("/work-items/{uuid:guid}/unassign", response=answers(ItemOut), operation_id="unassign_work_item")
def unassign(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Put it back."""
    return _do(commands.unassign, request, response, guid)


@router.post("/work-items/{uuid:guid}/wait", response=answers(ItemOut), operation_id="wait_work_item")
def wait(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Wait) -> dict[str, Any]:
    """Let it wait."""
    if wish.wait_for == "information":
        return _do(commands.wait_for_information, request, response, guid, until=wish.until)
    if wish.until is None:
        raise Invalid("until_missing", "Waiting for a date needs the date.", field="until")
    return _do(commands.wait_until, request, response, guid, wish.until)


@router.post("/work-items/{uuid:guid}/resolve", response=answers(ItemOut), operation_id="resolve_work_item")
def resolve(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Resolution) -> dict[str, Any]:
    """Finish it."""
    return _do(commands.resolve, request, response, guid, method=_method(wish.method), **_fields(wish))


@router.post(
    "/work-items/{uuid:guid}/unable-to-complete", response=answers(ItemOut), operation_id="unable_to_complete_action"
)
def unable_to_complete(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """End an action that cannot be completed; its case goes back to what is to do."""
    return _do(commands.complete_unsuccessfully, request, response, guid)


@router.post("/work-items/{uuid:guid}/reopen", response=answers(ItemOut), operation_id="reopen_work_item")
def reopen(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Take a resolved item up again."""
    return _do(commands.reopen, request, response, guid)


@router.get("/work-items/{uuid:guid}/events", response=answers(Listing[EventOut]), operation_id="list_work_item_events")
def list_events(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """What happened to a work item and what was said about it, newest first."""
    by = actor(request)
    found = queries.item(guid, by=by)
    return listing(page(history(found.guid), **paging.arguments()), _event, by)


@router.get(
    "/work-items/{uuid:guid}/communications",
    response=answers(Listing[CommunicationOut]),
    operation_id="list_communications",
)
def list_communications(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """What was said about a work item, newest first."""
    by = actor(request)
    found = said.communications_of(queries.item(guid, by=by), by=by)
    return listing(page(found, **paging.arguments()), _communication, by)


@router.post(
    "/work-items/{uuid:guid}/communications", response=answers(CommunicationOut, 201), operation_id="add_communication"
)
def add_communication(request: HttpRequest, guid: UUID, wish: CommunicationIn) -> Status[dict[str, Any]]:
    """Record something said."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = wish.dict(exclude={"kind"})
        made = conversations.add(queries.item(guid, by=by), by=by, kind=_kind(wish.kind), **fields)
        return _communication(said.communication(made.guid, by=by), by)

    return Status(201, once(request, create))


@router.get("/communications/{uuid:guid}", response=answers(CommunicationOut), operation_id="get_communication")
def get_communication(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """One communication."""
    return _communication(said.communication(guid, by=actor(request)), actor(request))


def _do(
    command: Callable[..., WorkItem],
    request: HttpRequest,
    response: HttpResponse,
    guid: UUID,
    *given: Any,
    **named: Any,
) -> dict[str, Any]:
    """Carry one command out on a work item, at the version `If-Match` insists on."""
    by = actor(request)
    item = queries.item(guid, by=by)
    command(item, *given, by=by, version=versions.wanted(request), **named)
    return _answer(queries.item(guid, by=by), request, response)


def _create(command: Callable[..., WorkItem], request: HttpRequest, wish: ItemIn) -> dict[str, Any]:
    by = actor(request)
    made = command(wish.process_version, by=by, submit=wish.submit, **_fields(wish))
    return _item(queries.item(made.guid, by=by), by)


def _answer(item: WorkItem, request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    versions.tag(response, item.version)
    return _item(item, actor(request))


def _fields(wish: ItemFields) -> dict[str, Any]:
    """The fields given, by the names commands use; an explicit null is the same as leaving it out."""
    fields = wish.dict(exclude_unset=True, exclude={"process_version", "submit", "method"})
    if "category" in fields:
        fields["category_guid"] = fields.pop("category")
    return fields


def _method(text: str | None) -> queries.ResolutionMethod | None:
    if text is None:
        return None
    if text not in queries.ResolutionMethod.values:
        raise Invalid("method_unknown", "There is no such resolution method.", field="method")
    return queries.ResolutionMethod(text)


def _status(text: str) -> int:
    for status in queries.Status:
        if status.label.lower() == text.lower():
            return int(status)
    raise Invalid("status_unknown", "There is no such status.", field="status")


def _kind(text: str | None) -> said.CommunicationType | None:
    if text is None:
        return None
    for kind in said.CommunicationType:
        if kind.label.lower() == text.lower():
            return kind
    raise Invalid("communication_type_unknown", "There is no such kind of communication.", field="kind")


def _item(row: WorkItem, _actor: Actor) -> dict[str, Any]:
    def of(record: Any) -> str | None:
        return str(record.guid) if record is not None else None

    return {
        "guid": str(row.guid),
        "kind": row.get_kind_display().lower(),
        "reference": row.reference or "",
        "title": row.title,
        "description": row.description,
        "status": row.get_status_display(),
        "status_reason": row.status_reason,
        "rag": int(queries.rag(row)),
        "due_date": rfc3339(row.due_date),
        "resolution_method": row.resolution_method or None,
        "resolved_on": rfc3339(row.resolved_on),
        "customer": str(row.customer.guid),
        "contract": str(row.contract.guid),
        "service": str(row.service.guid),
        "process_version": str(row.process_version.guid),
        "parent": of(row.parent),
        "category": of(row.category),
        "assignee": of(row.assignee),
        "owner": of(row.owner),
        "started_by_method": row.get_started_by_method_display(),
        "record_count": row.record_count,
        "custom_data": row.custom_data,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
    }


def _event(row: Event, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "sequence": row.sequence,
        "occurred_at": rfc3339(row.occurred_at),
        "body": orjson.loads(row.body),
    }


def _communication(row: Communication, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "kind": row.get_kind_display(),
        "subject": row.subject,
        "body": row.body,
        "sender": str(row.sender.guid) if row.sender else None,
        "sender_address": row.sender_address,
        "recipients": row.recipients,
        "copies": row.copies,
        "attachment_count": row.attachment_count,
        "logged_at": rfc3339(row.logged_at),
    }
