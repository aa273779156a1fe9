"""Working time: which hours of which days count, and sums over them. Pure; no tables.

Moments are aware and come back in UTC. Days and hours are those of the calendar's own time zone; time itself is real, so a
working hour has sixty minutes on the day of a clock change too. A wall time that a clock change skips is the same distance
after it; one that comes twice is the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from workwire.kernel.errors import Invalid

Hours = tuple[tuple[time, time], ...]
OFFICE: Hours = ((time(9), time(17)),)
STANDARD_WEEK: tuple[Hours, ...] = (OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, (), ())
HORIZON = 3660  # days without any working time after which a calendar counts as having none
MOST_DAYS = 40_000  # days that are looked at for one due date, more than a hundred years
LAST_YEAR = 9990
DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingCalendar:
    """A working week (Monday first) in a time zone, without the public holidays of a country or a part of it, with
    exceptions for single days. An interval that ends at 00:00 ends at midnight."""

    zone: ZoneInfo
    week: tuple[Hours, ...] = STANDARD_WEEK
    country: str = ""
    subdivision: str = ""
    exceptions: Mapping[date, Hours] = field(default_factory=dict)

    def hours_on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The working hours of a day as moments, in order; none on a holiday unless an exception gives it some."""
        intervals = self.exceptions.get(day)
        if intervals is None:
            intervals = () if self.is_holiday(day) else self.week[day.weekday()]
        moments = ((self._moment(day, start), self._moment(day, end, is_end=True)) for start, end in intervals)
        return tuple((opens, closes) for opens, closes in moments if opens < closes)  # a clock change may leave none

    def is_holiday(self, day: date) -> bool:
        """Whether a day is a public holiday in the calendar's country."""
        return bool(self.country) and day in _holidays(self.country, self.subdivision, day.year)

    def is_working_day(self, day: date) -> bool:
        """Whether a day has working hours."""
        return bool(self.hours_on(day))

    def local_day(self, moment: datetime) -> date:
        """The day of a moment in the calendar's time zone."""
        return moment.astimezone(self.zone).date()

    def add_working_time(self, moment: datetime, duration: timedelta) -> datetime:
        """The moment at which so much working time has passed since another, or had still to pass for a negative duration."""
        if not duration:
            return moment
        return self._forward(moment, duration) if duration > timedelta(0) else self._backward(moment, -duration)

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from one moment to another; negative when the other is earlier."""
        if end < start:
            return -self.working_time_between(end, start)
        total = timedelta(0)
        day, last = self.local_day(start), self.local_day(end)
        while day <= last:
            for opens, closes in self.hours_on(day):
                total += max(timedelta(0), min(closes, end) - max(opens, start))
            day += DAY
        return total

    def add_working_days(self, moment: datetime, count: int) -> datetime:
        """The same time of day so many working days later, or earlier."""
        if not count:
            return moment
        step = 1 if count > 0 else -1
        days = self._working_days(self.local_day(moment) + step * DAY, step)
        for _ in range(abs(count)):
            day = next(days)
        return self._same_time(moment, day)

    def add_days(self, moment: datetime, count: int) -> datetime:
        """The same time of day so many days later, or earlier."""
        return self._same_time(moment, _shifted(self.local_day(moment), count)) if count else moment

    def next_morning(self, moment: datetime) -> datetime:
        """When work begins on the first working day after the day of a moment."""
        return self.hours_on(next(self._working_days(self.local_day(moment) + DAY, 1)))[0][0]

    def end_of_day(self, moment: datetime) -> datetime:
        """When work ends on the day of a moment, or on the next working day where that has passed or is none."""
        for day in self._working_days(self.local_day(moment), 1):
            closes = self.hours_on(day)[-1][1]
            if closes >= moment:
                return closes
        raise _without_hours()

    def start_of(self, day: date) -> datetime:
        """When work begins on a day, or midnight where it does not."""
        hours = self.hours_on(day)
        return hours[0][0] if hours else self._moment(day, time(0))

    def _forward(self, moment: datetime, left: timedelta) -> datetime:
        for day in self._working_days(self.local_day(moment), 1):
            for opens, closes in self.hours_on(day):
                here = max(timedelta(0), closes - max(opens, moment))
                if here >= left:
                    return max(opens, moment) + left
                left -= here
        raise _without_hours()

    def _backward(self, moment: datetime, left: timedelta) -> datetime:
        for day in self._working_days(self.local_day(moment), -1):
            for opens, closes in reversed(self.hours_on(day)):
                here = max(timedelta(0), min(closes, moment) - opens)
                if here >= left:
                    return min(closes, moment) - left
                left -= here
        raise _without_hours()

    def _working_days(self, day: date, step: int) -> Iterator[date]:
        """The working days from a day on, forwards or backwards."""
        idle = 0
        for _ in range(MOST_DAYS):
            if self.is_working_day(day):
                yield day
                idle = 0
            idle += 1
            if idle > HORIZON:
                raise _without_hours()
            day = _shifted(day, step)
        raise out_of_range()

    def _same_time(self, moment: datetime, day: date) -> datetime:
        return self._moment(day, moment.astimezone(self.zone).timetz().replace(tzinfo=None))

    def _moment(self, day: date, at: time, *, is_end: bool = False) -> datetime:
        if is_end and at == time(0):
            day = _shifted(day, 1)
        return datetime.combine(day, at.replace(fold=0), tzinfo=self.zone).astimezone(UTC)


def known_country(country: str, subdivision: str) -> bool:
    """Whether public holidays of a country, and of a part of it when one is named, are known."""
    parts = holidays.list_supported_countries(include_aliases=False).get(country)
    return parts is not None and (not subdivision or subdivision in parts)


@lru_cache(maxsize=2000)
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year).keys())


def named_holidays(country: str, subdivision: str, year: int, language: str) -> list[tuple[date, str]]:
    """The public holidays of a year in order, with their names in a language where they are known in it."""
    if not country:
        return []
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=language)
    return sorted(found.items())


def _shifted(day: date, count: int) -> date:
    try:
        shifted = day + count * DAY
    except OverflowError as error:
        raise out_of_range() from error
    if not 1 < shifted.year < LAST_YEAR:
        raise out_of_range()
    return shifted


def out_of_range() -> Invalid:
    """That a date lies outside of what calendars reach."""
    return Invalid("due_date_out_of_range", field="due_date")


def _without_hours() -> Invalid:
    return Invalid("calendar_without_hours")
