"""The records of a work item: history, communications, contacts, files and checklist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.audit import EventOut, events_out
from workwire.api.v1.files import FileOut, file_out
from workwire.api.v1.shapes import Guid, In, Listing, Maybe, Moment, answers, listing, rfc3339
from workwire.api.v1.spelling import (
    ChecklistResultName,
    CommunicationTypeName,
    ImportanceName,
    SendStatusName,
    chosen,
    spelled,
)
from workwire.api.v1.work.shapes import FileIn, ItemContactIn, ItemOut, contact_wish, do, file_wish, guid_of
from workwire.kernel.actor import Actor
from workwire.kernel.errors import named
from workwire.kernel.pages import page
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.conversations import policy as said_policy
from workwire.rooms.conversations import queries as said
from workwire.rooms.work import commands, item_files, queries

if TYPE_CHECKING:
    from workwire.rooms.conversations.models import Communication
    from workwire.rooms.work.models import ChecklistItem, ItemContact

router = Router()


class CommunicationIn(In):
    """A communication to record; `kind` as in the documented API, a note when it is left out."""

    kind: CommunicationTypeName | None = None
    body: str = ""
    html_body: str = ""
    subject: str = ""
    sender_address: str = ""
    recipients: str = ""
    copies: str = ""


class MailIn(In):
    """A mail to send; attachments are uploads. It comes from the installation's address unless one of its own is named."""

    to: list[str]
    subject: str = ""
    body: str = ""
    sender: str = ""
    copies: list[str] = []
    blind_copies: list[str] = []
    importance: ImportanceName = "normal"
    attachments: list[FileIn] = []


class CommunicationOut(Schema):
    """A communication; only mail that goes out has a `send_status`. `work_item` is where it was said, `attachments` are GUIDs
    of files of that."""

    guid: Guid
    work_item: Guid
    kind: CommunicationTypeName
    subject: str
    body: str
    sender: Guid | None
    sender_address: str
    recipients: str
    copies: str
    blind_copies: str
    attachments: list[Guid]
    attachment_count: int
    logged_at: Moment
    send_status: SendStatusName | None
    sent_on: Moment | None


class ItemContactOut(Schema):
    """A contact or account of a work item, with the GUIDs of its contact tags."""

    guid: Guid
    is_account: bool
    full_name: str
    email: str
    tags: list[Guid]
    added_at: Moment


class ChecklistOut(Schema):
    """A line of an action's checklist."""

    guid: Guid
    description: str
    is_global: bool
    result: ChecklistResultName
    note: str
    checked_by: Guid | None
    checked_at: Moment | None


class Answer(In):
    """What is answered to a line; `none` takes the answer back."""

    result: ChecklistResultName
    note: str | None = None


@router.get("/work-items/{uuid:guid}/events", response=answers(Listing[EventOut]), operation_id="list_work_item_events")
def list_events(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the events of a work item, newest first, with who caused them and what they changed."""
    by = actor(request)
    return events_out(page(queries.history(guid, by=by), **paging.arguments()), by)


@router.get(
    "/work-items/{uuid:guid}/communications",
    response=answers(Listing[CommunicationOut]),
    operation_id="list_communications",
)
def list_communications(
    request: HttpRequest, guid: UUID, paging: Query[PageQuery], related: bool | None = None
) -> dict[str, Any]:
    """List the communications of a work item, newest first; with `related` those of its whole family, as is so for cases and
    merged tickets unless you say `false`."""
    by = actor(request)
    found = said.communications_of(queries.item(guid, by=by), by=by, related=related)
    return listing(page(found, **paging.arguments()), _communication, by)


@router.post(
    "/work-items/{uuid:guid}/communications", response=answers(CommunicationOut, 201), operation_id="add_communication"
)
def add_communication(request: HttpRequest, guid: UUID, wish: Maybe[CommunicationIn]) -> Status[dict[str, Any]]:
    """Add a communication to a work item."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = wish.dict(exclude={"kind"})
        made = conversations.add(
            queries.item(guid, by=by),
            by=by,
            kind=chosen(said.CommunicationType, wish.kind) if wish.kind is not None else None,
            **fields,
        )
        return _communication(said.communication(made.guid, by=by), by)

    return Status(201, once(request, create))


@router.post("/work-items/{uuid:guid}/mails", response=answers(CommunicationOut, 201), operation_id="send_mail")
def send_mail(request: HttpRequest, guid: UUID, wish: MailIn) -> Status[dict[str, Any]]:
    """Send a mail about a work item; the worker hands it to the mail server."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = wish.dict(exclude={"importance", "attachments"})
        mail = conversations.Mail(
            importance=chosen(said.Importance, wish.importance),
            attachments=[file_wish(file) for file in wish.attachments],
            **fields,
        )
        made = conversations.send_mail(queries.item(guid, by=by), mail, by=by)
        return _communication(said.communication(made.guid, by=by), by)

    return Status(201, once(request, create))


@router.get("/communications/{uuid:guid}", response=answers(CommunicationOut), operation_id="get_communication")
def get_communication(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one communication."""
    return _communication(said.communication(guid, by=actor(request)), actor(request))


@router.get(
    "/work-items/{uuid:guid}/contacts",
    response=answers(Listing[ItemContactOut]),
    operation_id="list_work_item_contacts",
)
def list_contacts(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the contacts of a work item."""
    by = actor(request)
    found = queries.contacts_of(queries.item(guid, by=by), by=by)
    return listing(page(found, **paging.arguments()), _contact, by)


@router.post("/work-items/{uuid:guid}/contacts", response=answers(ItemOut), operation_id="add_work_item_contact")
def add_contact(request: HttpRequest, response: HttpResponse, guid: UUID, wish: ItemContactIn) -> dict[str, Any]:
    """Add a contact to a work item, or add tags to one that is there."""
    with named({"contacts": ""}):
        return do(commands.update, request, response, guid, contacts=[contact_wish(wish)])


@router.delete(
    "/work-items/{uuid:guid}/contacts/{uuid:contact}",
    response=answers(ItemOut),
    operation_id="remove_work_item_contact",
)
def remove_contact(request: HttpRequest, response: HttpResponse, guid: UUID, contact: UUID) -> dict[str, Any]:
    """Remove a contact from a work item."""
    with named({"contacts": None}):
        return do(commands.update, request, response, guid, contacts=[commands.ContactWish(contact, retired=True)])


@router.delete(
    "/work-items/{uuid:guid}/contacts/{uuid:contact}/tags/{uuid:tag}",
    response=answers(ItemOut),
    operation_id="remove_work_item_contact_tag",
)
def remove_contact_tag(
    request: HttpRequest, response: HttpResponse, guid: UUID, contact: UUID, tag: UUID
) -> dict[str, Any]:
    """Remove a tag from a contact of a work item."""
    wish = commands.ContactWish(contact, (commands.TagWish(tag, retired=True),))
    with named({"contacts": None}):
        return do(commands.update, request, response, guid, contacts=[wish])


@router.get("/work-items/{uuid:guid}/files", response=answers(Listing[FileOut]), operation_id="list_work_item_files")
def list_files(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the files of a work item, newest first."""
    by = actor(request)
    return listing(page(item_files.files_of(queries.item(guid, by=by), by=by), **paging.arguments()), file_out, by)


@router.post("/work-items/{uuid:guid}/files", response=answers(FileOut, 201), operation_id="attach_file")
def attach_file(request: HttpRequest, guid: UUID, wish: FileIn) -> Status[dict[str, Any]]:
    """Attach an upload to a work item, in any state."""
    by = actor(request)

    def create() -> dict[str, Any]:
        with named({"files": ""}):
            made = commands.attach_file(queries.item(guid, by=by), file_wish(wish), by=by)
        return file_out(made, by)

    return Status(201, once(request, create))


@router.get("/work-items/{uuid:guid}/checklist", response=answers(Listing[ChecklistOut]), operation_id="list_checklist")
def list_checklist(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the checklist of an action."""
    by = actor(request)
    action = queries.item(guid, by=by, kind=queries.ProcessType.ACTION)
    return listing(page(queries.checklist_of(action), **paging.arguments()), _line, by)


@router.put("/checklist-items/{uuid:guid}", response=answers(ChecklistOut), operation_id="answer_checklist_item")
def answer_checklist_item(request: HttpRequest, guid: UUID, wish: Answer) -> dict[str, Any]:
    """Answer a checklist line; an unassigned action is assigned to you."""
    by = actor(request)
    line = queries.checklist_item(guid, by=by)
    commands.answer_checklist(line, by=by, result=chosen(queries.ChecklistResult, wish.result), note=wish.note)
    return _line(queries.checklist_item(guid, by=by), by)


def _communication(row: Communication, by: Actor) -> dict[str, Any]:
    attachments = [str(attachment.file.guid) for attachment in row.attachments.all()]
    return {
        "guid": str(row.guid),
        "work_item": str(row.work_item.guid),
        "kind": spelled(said.CommunicationType(row.kind)),
        "subject": row.subject,
        "body": row.body,
        "sender": guid_of(row.sender),
        "sender_address": row.sender_address,
        "recipients": row.recipients,
        "copies": row.copies,
        "blind_copies": row.blind_copies if said_policy.sees_blind_copies(by) else "",
        "attachments": attachments,
        "attachment_count": len(attachments),
        "logged_at": rfc3339(row.logged_at),
        "send_status": spelled(said.SendStatus(row.send_status)) if row.send_status is not None else None,
        "sent_on": rfc3339(row.sent_on),
    }


def _contact(row: ItemContact, _actor: Actor) -> dict[str, Any]:
    someone: Any = row.contact or row.user
    return {
        "guid": str(someone.guid),
        "is_account": row.user is not None,
        "full_name": someone.full_name,
        "email": someone.email,
        "tags": [str(tag.guid) for tag in row.tags.all()],
        "added_at": rfc3339(row.added_at),
    }


def _line(row: ChecklistItem, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "description": row.line.description,
        "is_global": row.line.work_type_id is not None,
        "result": spelled(queries.ChecklistResult(row.result)),
        "note": row.note,
        "checked_by": guid_of(row.checked_by),
        "checked_at": rfc3339(row.checked_at),
    }
