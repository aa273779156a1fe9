"""Tickets, cases and actions: listing, reading, starting, changing them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Maybe, Moment, answers, aware, rfc3339
from workwire.api.v1.spelling import KindName, RagName, StatusName, StatusReasonName, chosen, spelled
from workwire.api.v1.work.shapes import ItemFields, ItemOut, do, fields_of, guid_of, item_listing, item_out, show
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page, sorted_page
from workwire.rooms.work import commands, data_search, explained_assignment, item_due_dates, item_states, lists, queries

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

router = Router()


class ItemIn(ItemFields):
    """A ticket or case to create; `submit` submits it at once."""

    process_version: UUID
    submit: bool = False


class ItemFilter(Schema):
    """Which work items are wanted, and in which order; filters narrow the list together. `running` are those to do, in
    progress or waiting; `text` is part of the title, the reference, or the number in it. `data` is the value of a custom data
    field behind its short code, such as `IN: 4711`, or without it that of your own short code; with `*` at the end, how the
    value begins."""

    kind: KindName | None = None
    status: StatusName | None = None
    running: bool | None = None
    reference: str | None = Field(None, max_length=60)
    text: str | None = Field(None, min_length=2, max_length=200)
    data: str | None = Field(None, min_length=1, max_length=300)
    parent: UUID | None = None
    queue: UUID | None = None
    assignee: UUID | None = None
    owner: UUID | None = None
    customer: UUID | None = None
    contract: UUID | None = None
    service: UUID | None = None
    contact: UUID | None = None
    updated_since: datetime | None = None
    due_before: datetime | None = None
    sort: Literal["-created", "updated", "-updated", "due", "-due"] = "-created"


class StateOut(Schema):
    """The state of a work item, and who set it: null where the system did. `set_at` is null where it was set before that was
    noted, and what tells of reopening where nothing was reopened."""

    status: StatusName
    reason: StatusReasonName
    set_by: Guid | None
    set_at: Moment | None
    reopened_by: Guid | None
    reopened_on: Moment | None
    updated_by: Guid | None
    updated_at: Moment


class DueStep(Schema):
    """One step of the way to a due date: a sentence, and the code with parameters it is made from. A step that was kept before
    there were codes has an empty one."""

    said: str
    code: str
    parameters: dict[str, Any]
    moment: Moment


class DueDateOut(Schema):
    """When a work item is due, by which rule, and how that came about. While the due date waits with the item,
    `paused_minutes` says how far away it was when the waiting began, negative where it had passed."""

    due_date: Moment | None
    paused_minutes: int | None
    overridden: bool
    rag: RagName
    rule: str | None
    steps: list[DueStep]


class TriedRule(Schema):
    """What was tried, and how it came out: a sentence, and the code with parameters it is made from."""

    said: str
    code: str
    parameters: dict[str, Any]


class AssignmentOut(Schema):
    """Who has a work item, and how the rules came to that last; without `evaluated_at` they were not asked yet."""

    assignee: Guid | None
    owner: Guid | None
    queue: Guid | None
    evaluated_at: Moment | None
    rules: list[TriedRule]


@router.get("/work-items", response=answers(Listing[ItemOut]), operation_id="list_work_items")
def list_work_items(request: HttpRequest, paging: Query[PageQuery], wanted: Query[ItemFilter]) -> dict[str, Any]:
    """List the work items you may see, newest first unless another order is asked for; items without a due date come last."""
    by = actor(request)
    found, order = lists.narrowed(queries.items_visible_to(by), _wanted(wanted, by)), lists.ORDERS[wanted.sort]
    arguments = paging.arguments()
    return item_listing(page(found, **arguments) if order is None else sorted_page(found, order, **arguments), by)


@router.get("/work-items/{uuid:guid}", response=answers(ItemOut), operation_id="get_work_item")
def get_work_item(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one work item."""
    return show(queries.item(guid, by=actor(request)), request, response)


@router.patch("/work-items/{uuid:guid}", response=answers(ItemOut), operation_id="update_work_item")
def update_work_item(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ItemFields]
) -> dict[str, Any]:
    """Change a work item; an item to do is assigned to you."""
    return do(commands.update, request, response, guid, **fields_of(wish))


@router.get("/work-items/{uuid:guid}/state", response=answers(StateOut), operation_id="get_work_item_state")
def get_state(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get the state of a work item: who set it, why and when, and when the item was last reopened and changed."""
    found = item_states.state_of(queries.item(guid, by=actor(request)))
    return {
        "status": spelled(found.status),
        "reason": spelled(found.reason),
        "set_by": guid_of(found.set_by),
        "set_at": rfc3339(found.set_at),
        "reopened_by": guid_of(found.reopened_by),
        "reopened_on": rfc3339(found.reopened_on),
        "updated_by": guid_of(found.updated_by),
        "updated_at": rfc3339(found.updated_at),
    }


@router.get("/work-items/{uuid:guid}/due-date", response=answers(DueDateOut), operation_id="get_due_date")
def get_due_date(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get the due date of a work item, explained step by step."""
    item = queries.item(guid, by=actor(request))
    rule, paused = item_due_dates.rule_of(item), item_due_dates.paused(item)
    return {
        "due_date": rfc3339(item.due_date),
        "paused_minutes": None if paused is None else int(paused / timedelta(minutes=1)),
        "overridden": item.due_date_overridden,
        "rag": spelled(queries.rag(item)),
        "rule": rule.description if rule is not None else None,
        "steps": [_step(step) for step in item.due_steps],
    }


@router.get("/work-items/{uuid:guid}/assignment", response=answers(AssignmentOut), operation_id="get_assignment")
def get_assignment(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get why a work item is with its assignee, its owner and in its queue: the rules that were tried, in order. Not in self
    service."""
    item, by = queries.item(guid, by=actor(request)), actor(request)
    why = explained_assignment.why_assigned(item, by=by)
    return {
        "assignee": guid_of(item.assignee),
        "owner": guid_of(item.owner),
        "queue": guid_of(item.queue),
        "evaluated_at": rfc3339(why.at),
        "rules": [{"said": said.sentence(), **said.as_json()} for said in why.tried],
    }


def _step(kept: dict[str, Any]) -> dict[str, Any]:
    return {"code": "", "parameters": {}, **kept, "said": item_due_dates.said_in(kept)}


@router.post("/tickets", response=answers(ItemOut, 201), operation_id="create_ticket")
def create_ticket(request: HttpRequest, wish: ItemIn) -> Status[dict[str, Any]]:
    """Create a ticket."""
    return Status(201, once(request, lambda: _create(commands.create_ticket, request, wish)))


@router.post("/cases", response=answers(ItemOut, 201), operation_id="create_case")
def create_case(request: HttpRequest, wish: ItemIn) -> Status[dict[str, Any]]:
    """Create a case."""
    return Status(201, once(request, lambda: _create(commands.create_case, request, wish)))


@router.post("/work-items/{uuid:guid}/submit", response=answers(ItemOut), operation_id="submit_work_item")
def submit(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ItemFields]) -> dict[str, Any]:
    """Submit a draft."""
    return do(commands.submit, request, response, guid, **fields_of(wish))


def _wanted(wish: ItemFilter, by: Actor) -> lists.Wanted:
    given = wish.dict(exclude={"sort", "kind", "status", "updated_since", "due_before", "data"})
    return lists.Wanted(
        kind=chosen(queries.ProcessType, wish.kind) if wish.kind is not None else None,
        status=chosen(queries.Status, wish.status) if wish.status is not None else None,
        updated_since=aware(wish.updated_since, "updated_since") if wish.updated_since else None,
        due_before=aware(wish.due_before, "due_before") if wish.due_before else None,
        data=data_search.having(wish.data, by) if wish.data is not None else None,
        **given,
    )


def _create(command: Callable[..., WorkItem], request: HttpRequest, wish: ItemIn) -> dict[str, Any]:
    by = actor(request)
    made = command(wish.process_version, by=by, submit=wish.submit, **fields_of(wish))
    return item_out(queries.item(made.guid, by=by), by)
