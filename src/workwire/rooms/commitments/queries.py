"""How to look at calendars; they are nobody's secret."""

from __future__ import annotations

from datetime import date, time
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from workwire.kernel.errors import not_found
from workwire.rooms.commitments import working_time
from workwire.rooms.commitments.models import Calendar
from workwire.rooms.commitments.working_time import Hours, WorkingCalendar


def calendars() -> QuerySet[Calendar]:
    """All calendars by name."""
    return Calendar.objects.order_by("name")


def calendar(guid: UUID) -> Calendar:
    """One calendar; raises NotFound."""
    found = Calendar.objects.filter(guid=guid).first()
    if found is None:
        raise not_found("calendar")
    return found


def with_id(calendar_id: int | None) -> Calendar | None:
    """The calendar with a number, if any."""
    return None if calendar_id is None else Calendar.objects.filter(pk=calendar_id).first()


def holidays_of(calendar: Calendar, year: int, language: str) -> list[tuple[date, str]]:
    """The public holidays of a calendar in a year, in order, with their names."""
    named = "en_US" if language == "en" else language
    return working_time.named_holidays(calendar.country, calendar.subdivision, year, named)


def working_calendar(calendar: Calendar | None, time_zone: str) -> WorkingCalendar:
    """The working time of a calendar in a time zone; without a calendar that of the standard week."""
    zone = _zone(time_zone)
    if calendar is None:
        return WorkingCalendar(zone)
    return WorkingCalendar(
        zone,
        week=tuple(_hours(day) for day in calendar.week),
        country=calendar.country,
        subdivision=calendar.subdivision,
        exceptions={date.fromisoformat(day): _hours(hours) for day, hours in calendar.exceptions.items()},
    )


def _hours(written: list[list[str]]) -> Hours:
    return tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in written)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
