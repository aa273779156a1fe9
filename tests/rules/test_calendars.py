"""Calendars as they are kept, and that no search in them lasts: properties of whatever hours somebody may give."""

from __future__ import annotations

import time as clock
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workwire.kernel.errors import Invalid
from workwire.rooms.commitments import given_hours
from workwire.rooms.commitments.rules import Base, DueRule, Facts, Unit, compute
from workwire.rooms.commitments.working_time import MOST_DAYS, Hours, WorkingCalendar

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = st.integers(0, 24 * 60).map(lambda minute: time(minute // 60 % 24, minute % 60))
TEXTS = st.one_of(
    st.times().map(time.isoformat),
    MINUTES.map(lambda moment: moment.isoformat("minutes")),
    st.sampled_from(["00:00", "24:00", "9", "0900", "09:00Z", "09:00+02:00", "00:00:10", "00:00:30", "x", ""]),
)


@given(st.lists(st.lists(TEXTS, max_size=3), max_size=4))
def test_hours_that_are_taken_are_kept_as_they_were_given(day: list[list[str]]) -> None:
    """Nothing is cut off: each interval has a length, is in order, and means what was written."""
    try:
        kept = given_hours.hours(day, "week")
    except Invalid:
        return
    assert [[time.fromisoformat(moment) for moment in pair] for pair in kept] == [
        [time.fromisoformat(moment) for moment in pair] for pair in day
    ]
    last = 0
    for start, end in ([_minute(start), _minute(end) or 24 * 60] for start, end in kept):
        assert last <= start < end
        last = end


def _minute(written: str) -> int:
    moment = time.fromisoformat(written)
    return moment.hour * 60 + moment.minute


@pytest.mark.parametrize(
    "interval",
    [
        ["09:00:10", "09:00:40"],
        ["00:00:10", "00:00:30"],
        ["09:00+02:00", "17:00+02:00"],
        ["09:00Z", "17:00"],
        ["9:00", "17:00"],
    ],
)
def test_seconds_and_offsets_are_refused(interval: list[str]) -> None:
    with pytest.raises(Invalid, match="whole minutes"):
        given_hours.hours([interval], "week")


def test_one_day_in_three_spellings_is_refused() -> None:
    spellings = ("2026-12-24", "20261224", "2026-W52-4")
    with pytest.raises(Invalid, match="2026-12-24 is named more than once"):
        given_hours.exceptions({day: [] for day in spellings})
    assert given_hours.exceptions({"20261224": []}) == {"2026-12-24": []}


ZONES = st.sampled_from(["UTC", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]).map(
    ZoneInfo
)
INTERVALS: st.SearchStrategy[Hours] = st.lists(st.tuples(MINUTES, MINUTES), max_size=2).map(tuple)
CALENDARS = st.builds(
    WorkingCalendar,
    ZONES,
    week=st.lists(INTERVALS, min_size=7, max_size=7).map(tuple),
    exceptions=st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 12, 31)), INTERVALS, max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(
    CALENDARS,
    st.integers(-100_000, 100_000),
    st.sampled_from(Unit),
    st.datetimes(timezones=st.just(UTC)),
)
def test_every_search_ends(calendar: WorkingCalendar, amount: int, unit: Unit, base: datetime) -> None:
    """Also with hours of no length, in order or not, as an earlier release kept them; the days looked at are counted."""
    looked = 0
    hours_on = WorkingCalendar.hours_on

    class Counting(WorkingCalendar):
        def hours_on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
            nonlocal looked
            looked += 1
            return hours_on(self, day)

    counting = Counting(calendar.zone, calendar.week, exceptions=calendar.exceptions)
    if unit in (Unit.DAYS, Unit.WORKING_DAYS):
        amount = amount % 4_000
    with suppress(Invalid):  # no other error may come of it
        compute(DueRule(amount, unit, base=Base.CUSTOM_DATE, of="x"), Facts(NOON, custom_date=base), counting)
    assert looked <= 3 * MOST_DAYS


@pytest.mark.parametrize("interval", [(time(9), time(9)), (time(9), time(9, 1))], ids=["no length", "a minute a day"])
def test_hours_that_never_suffice_are_refused_at_once(interval: tuple[time, time]) -> None:
    calendar = WorkingCalendar(ZoneInfo("Europe/Amsterdam"), week=((interval,),) * 7)
    begun = clock.process_time()
    with pytest.raises(Invalid):
        calendar.add_working_time(NOON, timedelta(hours=100_000))
    assert clock.process_time() - begun < 3
