"""Working calendars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import actor
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import LEFT_OUT, Guid, In, Listing, Maybe, Name, answers, given, listing
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.rooms.commitments import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.commitments.models import Calendar

router = Router(tags=["calendars"])
Day = list[list[str]]


class CalendarFields(In):
    """Of a calendar: the country whose public holidays are free (DE), a part of it (BY), the hours of each weekday, Monday
    first, and of single days (2026-12-24), as pairs like 09:00 and 17:00."""

    description: str = LEFT_OUT
    country: Annotated[str, Field(max_length=2)] = LEFT_OUT
    subdivision: Annotated[str, Field(max_length=10)] = LEFT_OUT
    week: list[Day] = LEFT_OUT
    exceptions: dict[str, Day] = LEFT_OUT


class CalendarIn(CalendarFields):
    """A calendar to make, by default of Monday to Friday, 9 to 17."""

    name: Name


class CalendarChange(CalendarFields):
    """Changes to a calendar; what is left out stays."""

    name: Name = LEFT_OUT


class CalendarOut(Schema):
    """A calendar."""

    guid: Guid
    name: str
    description: str
    country: str
    subdivision: str
    week: list[Day]
    exceptions: dict[str, Day]
    version: int


@router.get("/calendars", response=answers(Listing[CalendarOut]), operation_id="list_calendars")
def list_calendars(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List all calendars."""
    return listing(page(queries.calendars(), **paging.arguments()), _calendar, actor(request))


@router.post("/calendars", response=answers(CalendarOut, 201), operation_id="create_calendar")
def create_calendar(request: HttpRequest, wish: CalendarIn) -> Status[dict[str, Any]]:
    """Create a calendar."""
    by = actor(request)
    return Status(201, once(request, lambda: _calendar(commands.create_calendar(by=by, **given(wish)), by)))


@router.get("/calendars/{uuid:guid}", response=answers(CalendarOut), operation_id="get_calendar")
def get_calendar(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one calendar."""
    found = queries.calendar(guid)
    etags.tag(response, found.version)
    return _calendar(found, actor(request))


@router.patch("/calendars/{uuid:guid}", response=answers(CalendarOut), operation_id="update_calendar")
def update_calendar(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[CalendarChange]
) -> dict[str, Any]:
    """Change a calendar; existing due dates stay."""
    by = actor(request)
    changed = commands.update_calendar(queries.calendar(guid), by=by, version=etags.wanted(request), **given(wish))
    etags.tag(response, changed.version)
    return _calendar(changed, by)


def _calendar(row: Calendar, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "description": row.description,
        "country": row.country,
        "subdivision": row.subdivision,
        "week": row.week,
        "exceptions": row.exceptions,
        "version": row.version,
    }
