"""What is done with work items: taken, given, put back, put aside, finished; what is launched from a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.access import queries as access
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, StatementOut, answers, listing, whole
from workwire.api.v1.spelling import ResolutionMethodName, chosen
from workwire.api.v1.work.shapes import ItemFields, ItemOut, do, fields_of, item_out, items_out
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import page
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.work import commands, queries
from workwire.rooms.work.deeds import Answer, Deed, deeds_of

router = Router()


class Resolution(ItemFields):
    """How a work item was resolved; each kind has a method of its own that is taken when none is named. A `note` is kept with
    it."""

    method: ResolutionMethodName = LEFT_OUT
    note: Annotated[str, Field(max_length=conversations.LONGEST_BODY)] = ""


class Wait(In):
    """What to wait for: information (at most until a moment, when one is given), or a date."""

    wait_for: Literal["information", "date"] = Field("information", alias="for")
    until: datetime | None = None


class Assignment(In):
    """The new assignee, by GUID; `force` also takes it from its assignee; the note is kept as a communication."""

    user: UUID
    force: bool = False
    note: str = ""


class Rejection(In):
    """Why the work item is rejected."""

    reason: str = ""


class QueueChoice(In):
    """The queue to move to; null for none."""

    queue: UUID | None


class LaunchedAction(In):
    """An action to launch by hand, with an instruction and a due date of its own, so many times."""

    action: UUID
    instructions: str | None = None
    due_date: datetime | None = None
    times: int = Field(1, ge=1, le=commands.MOST_LAUNCHED)


class SubCase(ItemFields):
    """A case to launch from another one, which waits for it unless it is `independent`."""

    process_version: UUID
    title: str = Field(max_length=500)
    independent: bool = False


class LaunchableOut(Schema):
    """An action that may be launched by hand."""

    guid: Guid
    name: str
    step: int
    instructions: str


class DeedOut(Schema):
    """Something that may be done with a work item of this kind; `refusal` says why it is not possible for you now, or would
    change nothing. What it is done with (fields, an account, a method) is checked when it is done."""

    deed: Deed
    possible: bool
    refusal: StatementOut | None


class Launched(Schema):
    """The actions that were launched."""

    items: list[ItemOut]


@router.get("/work-items/{uuid:guid}/deeds", response=answers(Listing[DeedOut]), operation_id="list_deeds")
def list_deeds(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """List what may be done with a work item, and why not."""
    by = actor(request)
    return whole([_deed(one) for one in deeds_of(queries.item(guid, by=by), by=by)])


@router.post("/work-items/{uuid:guid}/take", response=answers(ItemOut), operation_id="take_work_item")
def take(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Take a work item: assign it to yourself and set it in progress, which ends its waiting."""
    return do(commands.take, request, response, guid)


@router.post("/work-items/{uuid:guid}/assign", response=answers(ItemOut), operation_id="assign_work_item")
def assign(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Assignment) -> dict[str, Any]:
    """Assign a work item to an account."""
    user = access.user(wish.user, by=actor(request))
    return do(conversations.assign_with_note, request, response, guid, user, wish.note, force=wish.force)


@router.post("/work-items/{uuid:guid}/unassign", response=answers(ItemOut), operation_id="unassign_work_item")
def unassign(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Unassign a work item that is not closed; it is to do again in its queue."""
    return do(commands.unassign, request, response, guid)


@router.post("/work-items/{uuid:guid}/acknowledge", response=answers(ItemOut), operation_id="acknowledge_news")
def acknowledge(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Acknowledge what came in at a case: it runs on, and who has it is its owner."""
    return do(commands.acknowledge, request, response, guid)


@router.post("/work-items/{uuid:guid}/reject", response=answers(ItemOut), operation_id="reject_work_item")
def reject(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[Rejection]) -> dict[str, Any]:
    """Reject a work item assigned to you; what a robot rejects goes to people only."""
    return do(commands.reject, request, response, guid, wish.reason)


@router.put("/work-items/{uuid:guid}/queue", response=answers(ItemOut), operation_id="move_work_item_to_queue")
def move_to_queue(request: HttpRequest, response: HttpResponse, guid: UUID, wish: QueueChoice) -> dict[str, Any]:
    """Move a work item to another queue; its assignee stays."""
    queue = queries.queue(wish.queue, by=actor(request)) if wish.queue is not None else None
    return do(commands.move_to_queue, request, response, guid, queue)


@router.post("/work-items/{uuid:guid}/wait", response=answers(ItemOut), operation_id="wait_work_item")
def wait(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[Wait]) -> dict[str, Any]:
    """Set a work item to wait for information or for a date."""
    if wish.wait_for == "information":
        return do(commands.wait_for_information, request, response, guid, until=wish.until)
    if wish.until is None:
        raise Invalid("until_missing", field="until")
    return do(commands.wait_until, request, response, guid, wish.until)


@router.post("/work-items/{uuid:guid}/resolve", response=answers(ItemOut), operation_id="resolve_work_item")
def resolve(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[Resolution]) -> dict[str, Any]:
    """Resolve a work item; people resolve a ticket with a mail or a note, where the setting asks for one."""
    method = chosen(queries.ResolutionMethod, wish.method) if wish.method is not None else None
    return do(conversations.resolve, request, response, guid, method=method, note=wish.note, **fields_of(wish))


@router.post(
    "/work-items/{uuid:guid}/unable-to-complete", response=answers(ItemOut), operation_id="unable_to_complete_action"
)
def unable_to_complete(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """End an action as not completed; its case returns to the work to do."""
    return do(commands.complete_unsuccessfully, request, response, guid)


@router.post("/work-items/{uuid:guid}/reopen", response=answers(ItemOut), operation_id="reopen_work_item")
def reopen(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Reopen a resolved work item."""
    return do(commands.reopen, request, response, guid)


@router.post("/work-items/{uuid:guid}/next-step", response=answers(ItemOut), operation_id="start_next_step")
def next_step(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ItemFields]) -> dict[str, Any]:
    """Advance a case by hand to its next step or its end."""
    return do(commands.start_next_step, request, response, guid, **fields_of(wish))


@router.get(
    "/work-items/{uuid:guid}/launchable-actions",
    response=answers(Listing[LaunchableOut]),
    operation_id="list_launchable_actions",
)
def list_launchable(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the actions that may be launched by hand from a case."""
    by = actor(request)
    return listing(page(queries.launchable_actions(guid, by=by), **paging.arguments()), _launchable, by)


@router.post("/work-items/{uuid:guid}/actions", response=answers(Launched, 201), operation_id="launch_action")
def launch_action(request: HttpRequest, guid: UUID, wish: LaunchedAction) -> Status[dict[str, Any]]:
    """Launch an action of a running case by hand."""
    by = actor(request)

    def launch() -> dict[str, Any]:
        made = commands.launch_action(
            queries.item(guid, by=by),
            wish.action,
            by=by,
            instructions=wish.instructions,
            due_date=wish.due_date,
            times=wish.times,
        )
        seen = queries.items_visible_to(by).filter(pk__in=[action.pk for action in made]).order_by("pk")
        return {"items": items_out(list(seen), by)}

    return Status(201, once(request, launch))


@router.post("/work-items/{uuid:guid}/sub-cases", response=answers(ItemOut, 201), operation_id="launch_sub_case")
def launch_sub_case(request: HttpRequest, guid: UUID, wish: SubCase) -> Status[dict[str, Any]]:
    """Launch a sub-case from a running case."""
    by = actor(request)

    def launch() -> dict[str, Any]:
        case = queries.item(guid, by=by)
        more: commands.Changes = {**fields_of(wish)}  # type: ignore[typeddict-item]  # the names commands use
        made = commands.launch_sub_case(
            case, wish.process_version, wish.title, by=by, independent=wish.independent, more=more
        )
        return item_out(queries.item(made.guid, by=by), by)

    return Status(201, once(request, launch))


def _launchable(row: Any, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.work_type.name,
        "step": row.step.number,
        "instructions": row.instructions,
    }


def _deed(one: Answer) -> dict[str, Any]:
    said = one.refusal
    refusal = None if said is None else said.as_json() | {"sentence": said.sentence()}
    return {"deed": one.deed, "possible": one.is_possible, "refusal": refusal}
