"""The only writer of calendars. All of it needs the feature Process Builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.commitments import events, given_hours, working_time
from workwire.rooms.commitments.models import Calendar

LONGEST_DESCRIPTION = 64 * 1024


class CalendarFields(TypedDict, total=False):
    """What may be given of a calendar beside its name; hours are pairs like ``["09:00", "17:00"]``."""

    description: str
    country: str
    subdivision: str
    week: Sequence[Sequence[Sequence[str]]]
    exceptions: Mapping[str, Sequence[Sequence[str]]]


class CalendarChanges(CalendarFields, total=False):
    """What may be changed of a calendar; what is not named stays."""

    name: str


@transaction.atomic
def create_calendar(name: str, *, by: Actor, **fields: Unpack[CalendarFields]) -> Calendar:
    """Make a calendar, by default of Monday to Friday, 9 to 17; raises Conflict for a name that another one has."""
    require(by, features.CALENDARS)
    calendar = Calendar(week=given_hours.STANDARD_WEEK)
    _write(calendar, CalendarChanges(**fields, name=name))
    _save(calendar)
    _record(events.CalendarCreated, calendar, by, added(calendar))
    return calendar


@transaction.atomic
def update_calendar(
    calendar: Calendar, *, by: Actor, version: int | None = None, **changes: Unpack[CalendarChanges]
) -> Calendar:
    """Change a calendar; due dates that were set before stay. Raises Conflict for a version that has passed."""
    require(by, features.CALENDARS)
    found = Calendar.objects.select_for_update().filter(pk=calendar.pk).first()
    if found is None:
        raise not_found("calendar")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.calendar")
    before = columns(found)
    _write(found, changes)
    if columns(found) != before:
        found.version += 1
        _save(found)
        _record(events.CalendarUpdated, found, by, altered(found, before))
    return found


def _write(calendar: Calendar, changes: CalendarChanges) -> None:
    if "name" in changes:
        calendar.name = text.name(changes["name"])
    if "description" in changes:
        calendar.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    calendar.country = changes.get("country", calendar.country)
    calendar.subdivision = changes.get("subdivision", calendar.subdivision)
    if (
        not working_time.known_country(calendar.country, calendar.subdivision)
        if calendar.country
        else calendar.subdivision
    ):
        raise Invalid("country_unknown", field="country")
    if "week" in changes:
        calendar.week = given_hours.week(changes["week"])
    if "exceptions" in changes:
        calendar.exceptions = given_hours.exceptions(changes["exceptions"])


def _save(calendar: Calendar) -> None:
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        raise Conflict("calendar_name_taken", field="name") from error


def _record(kind: type[events.CalendarBody], calendar: Calendar, by: Actor, changes: list[RowChange]) -> None:
    body = kind(GUID=str(calendar.guid), Name=calendar.name)
    record(body, about=Subject(ObjectType.CALENDAR, calendar.guid), by=by, changes=changes)
