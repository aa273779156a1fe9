"""Check the working hours of a calendar as callers give them, and write them as they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time

from workwire.kernel.errors import Invalid
from workwire.rooms.commitments import working_time

MOST_EXCEPTIONS = 1000
STANDARD_WEEK = [
    [[start.isoformat("minutes"), end.isoformat("minutes")] for start, end in day] for day in working_time.STANDARD_WEEK
]


def week(given: Sequence[Sequence[Sequence[str]]]) -> list[list[list[str]]]:
    """The hours of seven days, Monday first, in the form in which they are kept; raises Invalid."""
    if len(given) != len(STANDARD_WEEK):
        raise Invalid("week_invalid", field="week")
    days = [hours(day, "week") for day in given]
    if not any(days):
        raise Invalid("week_invalid.no_hours", field="week")
    return days


def exceptions(given: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[list[str]]]:
    """The hours of single days by their dates, in the form in which they are kept; raises Invalid."""
    if len(given) > MOST_EXCEPTIONS:
        raise Invalid("exceptions_too_many", field="exceptions", most=MOST_EXCEPTIONS)
    try:
        days = {day: date.fromisoformat(day).isoformat() for day in given}
    except ValueError as error:
        raise Invalid("date_invalid.exception", field="exceptions") from error
    if len(set(days.values())) < len(days):
        repeated = min(day for day in days.values() if list(days.values()).count(day) > 1)
        raise Invalid("date_repeated", field="exceptions", day=str(repeated))
    return {days[day]: hours(of_day, "exceptions") for day, of_day in given.items()}


def hours(given: Sequence[Sequence[str]], field: str) -> list[list[str]]:
    """The hours of a day in the form in which they are kept; raises Invalid unless they are in order, without overlap. An end
    at 00:00 is midnight."""
    kept: list[list[str]] = []
    last = time(0)
    for interval in given:
        if len(interval) != 2 or (kept and last == time(0)):
            raise _hours_invalid(field)
        try:
            start, end = map(time.fromisoformat, interval)
        except ValueError as error:
            raise _hours_invalid(field) from error
        if any(moment.tzinfo or moment.second or moment.microsecond for moment in (start, end)):
            raise _hours_invalid(field)
        if start < last or (end <= start and end != time(0)):
            raise _hours_invalid(field)
        kept.append([start.isoformat("minutes"), end.isoformat("minutes")])
        last = end
    return kept


def _hours_invalid(field: str) -> Invalid:
    return Invalid("hours_invalid", field=field)
