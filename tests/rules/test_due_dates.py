"""Working time and due date rules: the arithmetic, day by day and hour by hour, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from workwire.kernel.errors import Invalid
from workwire.rooms.commitments.rules import Adjust, Base, DueRule, Facts, Override, Unit, add_wait, compute, said_in
from workwire.rooms.commitments.working_time import OFFICE, STANDARD_WEEK, WorkingCalendar, known_country

AMSTERDAM, NEW_YORK = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
NIGHT = ((time(22), time(0)),)
DUTCH = WorkingCalendar(
    AMSTERDAM,
    country="NL",
    exceptions={date(2026, 12, 24): ((time(9), time(12)),), date(2026, 12, 28): (), date(2026, 12, 26): OFFICE},
)
PLAIN = WorkingCalendar(ZoneInfo("UTC"))
AROUND_THE_CLOCK = WorkingCalendar(NEW_YORK, week=(((time(0), time(0)),),) * 7)


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """A wall time in a zone, as a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


moments = st.integers(0, 6 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=400))
calendars = st.sampled_from(
    [
        DUTCH,
        PLAIN,
        AROUND_THE_CLOCK,
        WorkingCalendar(NEW_YORK, country="US", subdivision="NY"),
        WorkingCalendar(AMSTERDAM, week=((), NIGHT, (), ((time(1), time(4)), (time(5), time(6))), (), (), OFFICE)),
    ]
)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-02T09:00", 8, "2026-03-02T17:00"),
        ("2026-03-02T16:00", 2, "2026-03-03T10:00"),
        ("2026-03-06T16:30", 1, "2026-03-09T09:30"),  # over a weekend
        ("2026-03-07T12:00", 1, "2026-03-09T10:00"),  # from a weekend
        ("2026-03-02T20:00", 8, "2026-03-03T17:00"),
        ("2026-12-24T11:00", 2, "2026-12-26T10:00"),  # a short day, Christmas, a Saturday that is worked
        ("2026-12-26T16:00", 2, "2026-12-29T10:00"),  # a Sunday, and a Monday that is not worked
        ("2026-03-03T10:00", -2, "2026-03-02T16:00"),
        ("2026-03-02T09:00", -1, "2026-02-27T16:00"),
        ("2026-03-02T09:00", 0, "2026-03-02T09:00"),
    ],
)
def test_working_hours_pass_over_what_is_not_worked(start: str, hours: int, end: str) -> None:
    assert DUTCH.add_working_time(at(start), timedelta(hours=hours)) == at(end)


def test_working_hours_are_real_hours_on_the_days_of_a_clock_change() -> None:
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)
    lengths = [
        sum((end - start for start, end in AROUND_THE_CLOCK.hours_on(day)), timedelta()) for day in (spring, autumn)
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]
    begun = at("2026-03-08T00:00", NEW_YORK)
    assert AROUND_THE_CLOCK.add_working_time(begun, timedelta(hours=23)) == at("2026-03-09T00:00", NEW_YORK)


def test_a_wall_time_that_a_clock_change_skips_moves_on_and_one_that_comes_twice_is_the_first() -> None:
    skipped = WorkingCalendar(AMSTERDAM).add_days(at("2026-03-28T02:30"), 1)
    assert skipped.astimezone(AMSTERDAM).isoformat() == "2026-03-29T03:30:00+02:00"
    twice = WorkingCalendar(AMSTERDAM).add_days(at("2026-10-24T02:30"), 1)
    assert twice == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-02T15:00", 1, "2026-03-03T15:00"),
        ("2026-03-06T15:00", 1, "2026-03-09T15:00"),
        ("2026-12-24T15:00", 1, "2026-12-26T15:00"),
        ("2026-12-24T15:00", 2, "2026-12-29T15:00"),
        ("2026-12-29T15:00", -2, "2026-12-24T15:00"),
        ("2026-03-27T15:00", 1, "2026-03-30T15:00"),  # the clocks change in between
        ("2026-03-27T15:00", 0, "2026-03-27T15:00"),
    ],
)
def test_working_days_keep_the_time_of_day(start: str, days: int, end: str) -> None:
    assert DUTCH.add_working_days(at(start), days) == at(end)


def test_mornings_and_ends_of_days() -> None:
    assert DUTCH.next_morning(at("2026-03-06T03:00")) == at("2026-03-09T09:00")
    assert DUTCH.end_of_day(at("2026-03-06T03:00")) == at("2026-03-06T17:00")
    assert DUTCH.end_of_day(at("2026-03-06T17:00")) == at("2026-03-06T17:00")
    assert DUTCH.end_of_day(at("2026-03-06T17:01")) == at("2026-03-09T17:00")
    assert DUTCH.end_of_day(at("2026-12-25T10:00")) == at("2026-12-26T17:00")
    assert DUTCH.start_of(date(2026, 3, 6)) == at("2026-03-06T09:00")
    assert DUTCH.start_of(date(2026, 3, 7)) == at("2026-03-07T00:00")


def test_a_calendar_without_hours_and_a_date_out_of_range_are_refused() -> None:
    idle = WorkingCalendar(AMSTERDAM, week=((),) * 7)
    for impossible in (
        lambda: idle.add_working_time(at("2026-03-02T09:00"), timedelta(hours=1)),
        lambda: idle.add_working_days(at("2026-03-02T09:00"), -1),
        lambda: idle.next_morning(at("2026-03-02T09:00")),
    ):
        with pytest.raises(Invalid) as refusal:
            impossible()
        assert refusal.value.code == "calendar_without_hours"
    with pytest.raises(Invalid) as refusal:
        DUTCH.add_days(at("2026-03-02T09:00"), 4_000_000)
    assert refusal.value.code == "due_date_out_of_range"


def test_countries_and_their_parts_are_known() -> None:
    assert known_country("DE", "")
    assert known_country("DE", "BY")
    assert not known_country("DE", "XX")
    assert not known_country("XX", "")
    bavaria = WorkingCalendar(ZoneInfo("Europe/Berlin"), country="DE", subdivision="BY")
    assert bavaria.is_holiday(date(2026, 1, 6))
    assert not WorkingCalendar(ZoneInfo("Europe/Berlin"), country="DE").is_holiday(date(2026, 1, 6))


@given(calendar=calendars, moment=moments, duration=durations)
def test_added_working_time_is_the_time_between(
    calendar: WorkingCalendar, moment: datetime, duration: timedelta
) -> None:
    later = calendar.add_working_time(moment, duration)
    earlier = calendar.add_working_time(moment, -duration)
    assert calendar.working_time_between(moment, later) == duration
    assert calendar.working_time_between(moment, earlier) == -duration
    back = calendar.add_working_time(later, -duration)
    assert calendar.working_time_between(moment, back) == timedelta(0)


@given(calendar=calendars, moment=moments, duration=durations, more=durations)
def test_more_working_time_is_never_earlier_and_ends_inside_working_hours(
    calendar: WorkingCalendar, moment: datetime, duration: timedelta, more: timedelta
) -> None:
    first = calendar.add_working_time(moment, duration)
    assert moment <= first <= calendar.add_working_time(moment, duration + more)
    if duration:
        near = (calendar.local_day(first) - timedelta(days=1), calendar.local_day(first))
        assert any(opens < first <= closes for day in near for opens, closes in calendar.hours_on(day))


rules = st.builds(
    DueRule,
    amount=st.integers(-500, 500),
    unit=st.sampled_from(Unit),
    base=st.sampled_from([Base.START, Base.PREVIOUS_END, Base.CASE_START]),
    adjust=st.sampled_from(Adjust),
    add_wait_time=st.booleans(),
    override=st.sampled_from(Override),
)


@given(rule=rules, calendar=calendars, moment=moments, waited=durations)
def test_a_computed_date_is_where_its_steps_lead_and_waiting_never_makes_it_earlier(
    rule: DueRule, calendar: WorkingCalendar, moment: datetime, waited: timedelta
) -> None:
    assert DueRule.from_json(rule.as_json()) == rule
    computed = compute(rule, Facts(moment), calendar)
    assert computed == compute(rule, Facts(moment), calendar)
    assert computed.due is not None
    assert computed.steps[-1].moment == computed.due
    assert len(computed.steps) == 1 + bool(rule.amount) + (rule.adjust != Adjust.NONE)
    later = add_wait(computed.due, rule, moment, moment + waited, calendar)
    assert later.due is not None
    assert later.due >= computed.due


def test_every_base_counts_from_its_own_moment() -> None:
    facts = Facts(
        start=at("2026-03-02T10:00"),
        previous_end=at("2026-03-03T10:00"),
        case_start=at("2026-03-01T10:00"),
        schedule_date=date(2026, 3, 20),
        custom_date=at("2026-03-15T12:00"),
    )
    for base, of, due in (
        (Base.START, "", "2026-03-02T12:00"),
        (Base.PREVIOUS_END, "", "2026-03-03T12:00"),
        (Base.CASE_START, "", "2026-03-01T12:00"),
        (Base.SCHEDULE_DATE, "Payment", "2026-03-20T11:00"),
        (Base.CUSTOM_DATE, "Payment Due", "2026-03-15T14:00"),
    ):
        assert compute(DueRule(2, Unit.HOURS, base=base, of=of), facts, DUTCH).due == at(due)
    missing = compute(DueRule(2, Unit.HOURS, base=Base.SCHEDULE_DATE, of="Run"), Facts(facts.start), DUTCH)
    assert (missing.due, str(missing.steps[0].said)) == (
        None,
        "There is no due date: the schedule date 'Run' has no value.",
    )
    fallen = compute(DueRule(2, Unit.HOURS, base=Base.CASE_START), Facts(facts.start), DUTCH)
    assert fallen.due == at("2026-03-02T12:00")
    assert "is not known" in str(fallen.steps[0].said)


def test_the_steps_tell_what_was_done() -> None:
    rule = DueRule(-2, Unit.WORKING_DAYS, base=Base.SCHEDULE_DATE, of="Payment", adjust=Adjust.END_OF_DAY)
    computed = compute(rule, Facts(at("2026-12-01T10:00"), schedule_date=date(2026, 12, 29)), DUTCH)
    assert [(str(step.said), step.moment) for step in computed.steps] == [
        (
            "Counted from the schedule date 'Payment', the beginning of 2026-12-29 (Europe/Amsterdam).",
            at("2026-12-29T09:00"),
        ),
        (
            "Took off 2 working days, passing over 3 days without work (1 day of holiday) (Europe/Amsterdam).",
            at("2026-12-24T09:00"),
        ),
        ("Moved to the end of that working day (Europe/Amsterdam).", at("2026-12-24T12:00")),
    ]
    assert rule.description == "2 working days before the schedule date 'Payment', then the end of that working day"
    assert DueRule(1, Unit.HOURS, add_wait_time=True).description == "1 hour after the start, plus the time waited"
    assert computed.steps_as_json()[2]["moment"] == "2026-12-24T11:00:00.000Z"


def test_a_kept_step_is_said_in_the_language_of_the_reader_and_one_without_a_code_as_it_is() -> None:
    computed = compute(DueRule(2, Unit.HOURS), Facts(at("2026-12-01T10:00")), DUTCH)
    kept = computed.steps_as_json()[1]
    assert (kept["said"], kept["code"], kept["parameters"]) == (
        "Added 2 hours.",
        "due_step.added",
        {"amount": 2, "unit": "hours"},
    )
    with translation.override("de"):
        assert said_in(kept) == "Hinzugezählt: 2 Stunden."
        assert said_in({"said": "Set by hand.", "moment": None}) == "Set by hand."
        assert DueRule(1, Unit.DAYS).description == "1 Tag nach dem Beginn"
    assert said_in(kept) == "Added 2 hours."


@pytest.mark.parametrize(
    ("unit", "due", "said"),
    [
        (Unit.WORKING_HOURS, "2026-03-10T10:00", "Added the 4 h 00 min of working time that it waited."),
        (Unit.HOURS, "2026-03-12T17:00", "Added the 73 h 00 min of time that it waited."),
    ],
)
def test_time_waited_is_counted_in_the_kind_of_the_rule(unit: Unit, due: str, said: str) -> None:
    rule = DueRule(8, unit, add_wait_time=True)
    before = at("2026-03-09T14:00") if unit == Unit.WORKING_HOURS else at("2026-03-09T16:00")
    waited = add_wait(
        before,
        rule,
        at("2026-03-06T14:00"),
        at("2026-03-09T10:00" if unit == Unit.WORKING_HOURS else "2026-03-09T15:00"),
        DUTCH,
    )
    assert (waited.due, str(waited.steps[0].said)) == (at(due), said)


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"unit": "hours"}, "amount"),
        ({"amount": True, "unit": "hours"}, "amount"),
        ({"amount": 1.5, "unit": "hours"}, "amount"),
        ({"amount": 1}, "unit"),
        ({"amount": 1, "unit": "weeks"}, "unit"),
        ({"amount": 1, "unit": "days", "base": "never"}, "base"),
        ({"amount": 1, "unit": "days", "base": "custom_date"}, "of"),
        ({"amount": 1, "unit": "days", "of": "x"}, "of"),
        ({"amount": 1, "unit": "days", "of": 3}, "of"),
        ({"amount": 1, "unit": "days", "adjust": "x"}, "adjust"),
        ({"amount": 1, "unit": "days", "override": "x"}, "override"),
        ({"amount": 1, "unit": "days", "add_wait_time": 1}, "add_wait_time"),
        ({"amount": 1, "unit": "days", "colour": "red"}, "colour"),
        ({"amount": 4_001, "unit": "days"}, "amount"),
        ({"amount": -100_001, "unit": "working_hours"}, "amount"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_field(written: Mapping[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        DueRule.from_json(written)
    assert (refusal.value.code, refusal.value.field) == ("due_rule_invalid", f"due.{field}")


def test_the_standard_week_is_monday_to_friday() -> None:
    assert STANDARD_WEEK == (OFFICE,) * 5 + ((), ())
