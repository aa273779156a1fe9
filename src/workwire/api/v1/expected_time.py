"""The effort of work items: how long they are expected to take and why, how long they took, what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema

from workwire.api.auth import actor
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Maybe, Moment, StatementOut, answers, given, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.effort import commands, estimates
from workwire.rooms.work import queries as items

if TYPE_CHECKING:
    from workwire.kernel.wording import Statement
    from workwire.rooms.effort.estimates import PartOfCase

router = Router(tags=["effort"])


class EffortPart(Schema):
    """An action or sub-case of a case, in minutes; `work_item` is null for one that you may not see."""

    work_item: Guid | None
    reference: str
    title: str
    expected: int | None
    actual: float
    remaining: float | None


class EffortOut(Schema):
    """The effort of a work item in minutes.

    `rest` is what is expected of work of a case that was not created yet, `start_by` the latest start in working time that
    meets the due date, while nothing was done; `explanation` says why so much is expected.
    """

    expected: int | None
    by_hand: bool
    rest: int | None
    actual: float
    remaining: float | None
    start_by: Moment | None
    record_count: int
    parts: list[EffortPart]
    explanation: list[StatementOut]


class EffortIn(In):
    """What is expected in minutes: in all (null goes back to what the process gives), or of the rest of a case."""

    minutes: Annotated[int, Field(ge=0)] | None = LEFT_OUT
    rest: Annotated[int, Field(ge=0)] = LEFT_OUT


@router.get("/work-items/{uuid:guid}/effort", response=answers(EffortOut), operation_id="get_effort")
def get_effort(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get the effort of a work item: expected, spent and left, with the reasons."""
    return _effort(guid, actor(request))


@router.put("/work-items/{uuid:guid}/effort", response=answers(EffortOut), operation_id="set_effort")
def set_effort(request: HttpRequest, guid: UUID, wish: Maybe[EffortIn]) -> dict[str, Any]:
    """Set how long a work item is expected to take."""
    by, wanted = actor(request), given(wish)
    if len(wanted) != 1:
        raise Invalid("effort_one_of", field="minutes")
    item = items.item(guid, by=by)
    if "rest" in wanted:
        commands.expect_of_rest(item, wanted["rest"], by=by)
    else:
        commands.expect(item, wanted["minutes"], by=by)
    return _effort(guid, by)


def _effort(guid: UUID, by: Actor) -> dict[str, Any]:
    item = items.item(guid, by=by)
    found = estimates.effort_of(item, by=by)
    return {
        "expected": found.expected,
        "by_hand": found.by_hand,
        "rest": found.rest,
        "actual": found.actual,
        "remaining": found.remaining,
        "start_by": rfc3339(found.start_by),
        "record_count": item.record_count,
        "parts": [_part(one) for one in found.parts],
        "explanation": [_stated(one) for one in found.explanation],
    }


def _part(row: PartOfCase) -> dict[str, Any]:
    return {
        "work_item": str(row.item.guid) if row.is_seen else None,
        "reference": row.item.reference or "",
        "title": row.item.title,
        "expected": row.expected,
        "actual": row.actual,
        "remaining": row.remaining,
    }


def _stated(one: Statement) -> dict[str, Any]:
    return {"code": one.code, "parameters": one.parameters, "sentence": one.sentence()}
