"""Queues: where work waits, who gets it from there, who gives it out; getting more work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.api.v1.work.shapes import ItemOut, show
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.work import commands, obtaining, queries

if TYPE_CHECKING:
    from workwire.rooms.work.models import Queue

router = Router()


class QueueIn(In):
    """A queue to make; members and managers by GUID. A strict one gives people only what robots rejected."""

    name: Name
    description: str = ""
    strict: bool = False
    members: list[UUID] = []
    managers: list[UUID] = []


class QueueChange(In):
    """Changes to a queue; what is left out stays, lists are replaced whole."""

    name: Name = LEFT_OUT
    description: str = LEFT_OUT
    strict: bool = LEFT_OUT
    retired: bool = LEFT_OUT
    members: list[UUID] = LEFT_OUT
    managers: list[UUID] = LEFT_OUT


class QueueOut(Schema):
    """A queue."""

    guid: Guid
    name: str
    description: str
    strict: bool
    retired: bool
    members: list[Guid]
    managers: list[Guid]
    version: int


class Available(Schema):
    """Whether a request for more work would return some."""

    available: bool


@router.get("/queues", response=answers(Listing[QueueOut]), operation_id="list_queues")
def list_queues(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the queues you belong to or manage; all queues for roles that give out work or build."""
    by = actor(request)
    return listing(page(queries.queues(by), **paging.arguments()), _queue, by)


@router.post("/queues", response=answers(QueueOut, 201), operation_id="create_queue")
def create_queue(request: HttpRequest, wish: QueueIn) -> Status[dict[str, Any]]:
    """Create a queue."""
    by = actor(request)

    def create() -> dict[str, Any]:
        fields = _with_people(wish.dict(exclude={"name"}), by)
        return _queue(commands.create_queue(wish.name, by=by, **fields), by)

    return Status(201, once(request, create))


@router.get("/queues/{uuid:guid}", response=answers(QueueOut), operation_id="get_queue")
def get_queue(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one queue."""
    found = queries.queue(guid, by=actor(request))
    etags.tag(response, found.version)
    return _queue(found, actor(request))


@router.patch("/queues/{uuid:guid}", response=answers(QueueOut), operation_id="update_queue")
def update_queue(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[QueueChange]) -> dict[str, Any]:
    """Change a queue; its work stays in it."""
    by = actor(request)
    found = queries.queue(guid, by=by)
    changes = _with_people(given(wish), by)
    changed = commands.update_queue(found, by=by, version=etags.wanted(request), **changes)
    etags.tag(response, changed.version)
    return _queue(changed, by)


@router.get("/more-work", response=answers(Available), operation_id="is_work_available")
def is_work_available(request: HttpRequest) -> dict[str, Any]:
    """Check whether there is work to get now."""
    return {"available": obtaining.is_work_available(actor(request))}


@router.post("/more-work", response=answers(ItemOut) | {204: None}, operation_id="get_more_work")
def get_more_work(request: HttpRequest, response: HttpResponse) -> Any:
    """Get the most important unassigned work item of your queues, assigned to you; 204 when there is none."""
    by = actor(request)
    item = commands.get_more_work(by=by)
    if item is None:
        return Status(204, None)
    return show(queries.item(item.guid, by=by), request, response)


def _with_people(fields: dict[str, Any], by: Actor) -> Any:
    """The fields of a queue with accounts in the place of their GUIDs."""
    people = {name: access.users(fields[name], by=by) for name in ("members", "managers") if name in fields}
    return fields | people


def _queue(row: Queue, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "strict": row.strict,
        "retired": row.retired,
        "members": [str(user.guid) for user in row.members.all()],
        "managers": [str(user.guid) for user in row.managers.all()],
        "version": row.version,
    }
