"""A process version, and how a draft is edited: begun as a copy, and each part of it changed, moved or removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Status

from workwire.access import features
from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.v1.drafts import DraftOut, draft_out
from workwire.api.v1.flow_building import LineIn, lines
from workwire.api.v1.placements import due_rule, placed_changes
from workwire.api.v1.shapes import LEFT_OUT, In, Maybe, Name, answers, given
from workwire.api.v1.version_shapes import DueRuleIn, EmptyStep, VersionDetail, version_detail
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, named
from workwire.rooms.offering import commands, queries
from workwire.rooms.offering.flow_graphs import WhenEmpty

router = Router(tags=["building"])


class WorkChange(In):
    """Changes to when work is due, to whom it goes and how long it takes; null empties a field, what is left out stays."""

    due: DueRuleIn | None = LEFT_OUT
    queue: UUID | None = LEFT_OUT
    person: UUID | None = LEFT_OUT
    secondary_person: UUID | None = LEFT_OUT
    job_position: UUID | None = LEFT_OUT
    secondary_job_position: UUID | None = LEFT_OUT
    effort_per_record: int | None = Field(default_factory=lambda: None, ge=0)


class VersionChange(WorkChange):
    """Changes to a draft itself."""

    schedule: UUID | None = LEFT_OUT
    requires_primary_contact: bool = LEFT_OUT
    requires_requester: bool = LEFT_OUT
    requires_description: bool = LEFT_OUT
    title_editable: bool = LEFT_OUT


class StepChange(In):
    """Changes to a step; `number` is its new place."""

    name: Name = LEFT_OUT
    automatic: bool = LEFT_OUT
    when_empty: EmptyStep = LEFT_OUT
    milestone: int | None = Field(default_factory=lambda: None, ge=0, le=100)
    number: int = LEFT_OUT


class ActionChange(WorkChange):
    """Changes to an action; the checklist as a whole."""

    work_type: UUID = LEFT_OUT
    instructions: str = LEFT_OUT
    launchable: bool = LEFT_OUT
    checklist: list[str | LineIn] = LEFT_OUT


class CategoryIn(In):
    """A ticket category to add, at the top or below another one; at most three levels. With `due`, its tickets are due by that
    rule and not by that of the version."""

    name: Name
    parent: UUID | None = None
    due: DueRuleIn | None = None


class KeyedCategoryIn(In):
    """A category by its key, below the one with another key or at the top; a new one gets a new UUID. With `due`, its tickets
    are due by that rule and not by that of the version."""

    key: UUID
    name: Name
    parent: UUID | None = None
    due: DueRuleIn | None = None


class CategoriesIn(In):
    """All categories of a draft."""

    categories: list[KeyedCategoryIn]


@router.get("/process-versions/{uuid:guid}", response=answers(VersionDetail), operation_id="get_process_version")
def get_process_version(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one process version: a live one, or any for builders."""
    by = actor(request)
    find = queries.version if by.has(features.PROCESSES) else queries.live_version
    found = find(guid, by=by)
    etags.tag(response, found.revision)
    return version_detail(found, by)


@router.post("/process-versions/{uuid:guid}/copy", response=answers(DraftOut, 201), operation_id="copy_version")
def copy_version(request: HttpRequest, guid: UUID) -> Status[dict[str, Any]]:
    """Create the draft of a process as a copy of one of its versions; there is one at a time."""
    by = actor(request)

    def create() -> dict[str, Any]:
        made = commands.copy_version(queries.version(guid, by=by), by=by)
        return draft_out(queries.version(made.guid, by=by), by)

    return Status(201, once(request, create))


@router.patch("/process-versions/{uuid:guid}", response=answers(DraftOut), operation_id="update_version")
def update_version(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[VersionChange]
) -> dict[str, Any]:
    """Change a draft itself: when its work is due, to whom it goes, its schedule, what it requires."""
    by = actor(request)
    changes = _changes(wish, by)
    if changes.get("schedule") is not None:
        changes["schedule"] = queries.schedule(changes["schedule"], by=by)
    commands.change_version(queries.version(guid, by=by), by=by, revision=etags.wanted(request), **changes)
    return _saved(response, guid, by)


@router.post("/process-versions/{uuid:guid}/categories", response=answers(DraftOut), operation_id="add_category")
def add_category(request: HttpRequest, guid: UUID, wish: CategoryIn) -> dict[str, Any]:
    """Add a category to the draft of a ticket process."""
    by = actor(request)
    version = queries.version(guid, by=by)
    parent = None
    if wish.parent is not None:
        parent = queries.categories_of(version).filter(guid=wish.parent).first()
        if parent is None:
            raise Invalid("parent_invalid.absent", field="parent")
    due = None if wish.due is None else due_rule(wish.due.dict())
    commands.add_category(version, wish.name, by=by, parent=parent, due=due)
    return draft_out(queries.version(guid, by=by), by)


@router.put("/process-versions/{uuid:guid}/categories", response=answers(DraftOut), operation_id="save_categories")
def save_categories(request: HttpRequest, response: HttpResponse, guid: UUID, wish: CategoriesIn) -> dict[str, Any]:
    """Replace the categories of the draft of a ticket process; one with a known key stays that category."""
    by = actor(request)
    with named({"due": "categories.due", "name": "categories.name"}):
        wanted = [_category(one) for one in wish.categories]
        commands.save_categories(queries.version(guid, by=by), wanted, by=by, revision=etags.wanted(request))
    return _saved(response, guid, by)


@router.patch("/steps/{uuid:guid}", response=answers(DraftOut), operation_id="update_step")
def update_step(request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[StepChange]) -> dict[str, Any]:
    """Change a step of a draft, or move it with all that lies in it."""
    by, changes = actor(request), given(wish)
    if "when_empty" in changes:
        changes["when_empty"] = WhenEmpty(changes["when_empty"])
    step = queries.step(guid, by=by)
    commands.change_step(step, by=by, revision=etags.wanted(request), **changes)
    return _saved(response, step.version.guid, by)


@router.delete("/steps/{uuid:guid}", response=answers(DraftOut), operation_id="remove_step")
def remove_step(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Remove a step of a draft; its actions become ad hoc actions."""
    by = actor(request)
    step = queries.step(guid, by=by)
    commands.remove_step(step, by=by, revision=etags.wanted(request))
    return _saved(response, step.version.guid, by)


@router.patch("/actions/{uuid:guid}", response=answers(DraftOut), operation_id="update_action")
def update_action(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[ActionChange]
) -> dict[str, Any]:
    """Change an action of a draft."""
    by = actor(request)
    changes = _changes(wish, by)
    if "work_type" in changes:
        changes["work_type"] = queries.work_type(changes["work_type"])
    if "checklist" in changes:
        changes["checklist"] = lines(wish.checklist)
    action = queries.action_definition(guid, by=by)
    commands.change_action(action, by=by, revision=etags.wanted(request), **changes)
    return _saved(response, action.step.version.guid, by)


@router.delete("/actions/{uuid:guid}", response=answers(DraftOut), operation_id="remove_action")
def remove_action(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Remove an action of a draft; what followed it then follows what it followed."""
    by = actor(request)
    action = queries.action_definition(guid, by=by)
    commands.remove_action(action, by=by, revision=etags.wanted(request))
    return _saved(response, action.step.version.guid, by)


def _changes(wish: WorkChange, by: Actor) -> dict[str, Any]:
    """What was given of a change, with the records in place of their GUIDs."""
    wanted: dict[str, Any] = given(wish)
    if wish.due is not None:
        wanted["due"] = wish.due.dict()
    return wanted | placed_changes(wanted, by)


def _category(wish: KeyedCategoryIn) -> commands.CategoryWish:
    due = None if wish.due is None else due_rule(wish.due.dict())
    return commands.CategoryWish(wish.key, wish.name, wish.parent, due)


def _saved(response: HttpResponse, guid: UUID, by: Actor) -> dict[str, Any]:
    found = queries.version(guid, by=by)
    etags.tag(response, found.revision)
    return draft_out(found, by)
