"""Bases of what comes in and goes out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from ninja import Body, Field, Schema
from pydantic import ConfigDict, WithJsonSchema

from workwire.api.numbers_as_text import Written
from workwire.kernel.actor import Actor
from workwire.kernel.clock import rfc3339
from workwire.kernel.errors import Invalid
from workwire.kernel.pages import Page
from workwire.kernel.wording import say

T = TypeVar("T")
Name = Annotated[str, Field(min_length=1, max_length=200)]
Guid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Date = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
LEFT_OUT: Any = Field(default_factory=lambda: None)  # a field of a change that stays as it is unless it is given
CONTENT: dict[str, Any] = {  # of an answer that is bytes
    "responses": {
        200: {
            "description": "The content.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


class In(Written):
    """What comes in; a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


if TYPE_CHECKING:
    Maybe = Annotated[T, "may be left out"]
else:

    class Maybe:
        """A body of which no key is required: no body counts as an empty one."""

        def __class_getitem__(cls, kind: type[In]) -> Any:
            return Annotated[kind, Body(kind())]


class StatementOut(Schema):
    """Why something is as it is: a code with parameters, and the sentence in your language."""

    code: str
    parameters: dict[str, Any]
    sentence: str


def stated(code: str) -> dict[str, Any] | None:
    """A code that takes no parameters, as a statement; None for none."""
    return {"code": code, "parameters": {}, "sentence": say(code, {})} if code else None


class Listing(Schema, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None


def listing(page: Page[Any], show: Any, actor: Actor) -> dict[str, Any]:
    """A page as it goes out."""
    return {"items": [show(row, actor) for row in page.rows], "next_cursor": page.next_cursor}


def given(wish: In) -> Any:
    """What was given of a change, by field; null, where a field takes it, empties the field."""
    return wish.dict(exclude_unset=True)


def whole(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is short by its nature, as one page."""
    return {"items": rows, "next_cursor": None}


def aware(moment: datetime, field: str) -> datetime:
    """A moment that names its time zone; raises Invalid for one that does not, or that no record can have."""
    if moment.tzinfo is None:
        raise Invalid("time_zone_missing", field=field)
    if not 1970 <= moment.year <= 9000:
        raise Invalid("moment_out_of_range", field=field)
    return moment


def answers(kind: Any, status: int = 200) -> dict[int, Any]:
    """The `response=` of an operation: the good answer; refusals are the same everywhere (see `openapi`)."""
    return {status: kind}


__all__ = [
    "CONTENT",
    "LEFT_OUT",
    "Date",
    "Guid",
    "In",
    "Listing",
    "Maybe",
    "Moment",
    "Name",
    "answers",
    "aware",
    "given",
    "listing",
    "rfc3339",
    "whole",
]
