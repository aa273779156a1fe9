"""Due date rules: from which moment, how much, in which unit, and what then. Pure.

Every computed date comes with the steps that led to it, so that anybody can follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from workwire.kernel.clock import rfc3339
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Statement, Value, say, statement
from workwire.rooms.commitments.working_time import DAY, WorkingCalendar, out_of_range

E = TypeVar("E", bound=StrEnum)
MOST_HOURS = 100_000
MOST_DAYS = 4_000


class Base(StrEnum):
    """From which moment a due date is counted."""

    START = "start"
    PREVIOUS_END = "previous_end"
    CASE_START = "case_start"
    SCHEDULE_DATE = "schedule_date"
    CUSTOM_DATE = "custom_date"


class Unit(StrEnum):
    """In what an amount is counted."""

    HOURS = "hours"
    WORKING_HOURS = "working_hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


class Adjust(StrEnum):
    """Where a counted moment is moved to."""

    NONE = "none"
    NEXT_MORNING = "next_morning"
    END_OF_DAY = "end_of_day"


class Override(StrEnum):
    """Whether a due date may be set by hand (documented names)."""

    NO = "No"
    YES = "Yes"
    ON_CREATION_ONLY = "OnCreationOnly"


_NAMED = (Base.SCHEDULE_DATE, Base.CUSTOM_DATE)
_MOVED = {Adjust.NEXT_MORNING: "due_step.next_morning", Adjust.END_OF_DAY: "due_step.end_of_day"}


@dataclass(frozen=True, slots=True)
class DueRule:
    """`amount` of `unit` after (or, negative, before) `base`; `of` names the schedule date or the custom data field.

    `add_wait_time`: time that an item waited moves its due date on.
    """

    amount: int
    unit: Unit
    base: Base = Base.START
    of: str = ""
    adjust: Adjust = Adjust.NONE
    add_wait_time: bool = False
    override: Override = Override.YES

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> DueRule:
        """Read a rule as `as_json` writes it; what is left out has its default. Raises Invalid with the field."""
        unknown = set(written) - set(cls.__dataclass_fields__)
        if unknown:
            raise Invalid("due_rule_invalid.unknown", field=f"due.{min(unknown)}", name=min(unknown))
        if not isinstance(written.get("amount"), int) or isinstance(written["amount"], bool):
            raise Invalid("due_rule_invalid.amount", field="due.amount")
        if not isinstance(written.get("of", ""), str):
            raise Invalid("due_rule_invalid.of", field="due.of")
        if not isinstance(written.get("add_wait_time", False), bool):
            raise Invalid("due_rule_invalid.add_wait_time", field="due.add_wait_time")
        rule = cls(
            amount=written["amount"],
            unit=_one_of(Unit, written.get("unit"), "unit"),
            base=_one_of(Base, written.get("base", Base.START), "base"),
            of=written.get("of", ""),
            adjust=_one_of(Adjust, written.get("adjust", Adjust.NONE), "adjust"),
            add_wait_time=written.get("add_wait_time", False),
            override=_one_of(Override, written.get("override", Override.YES), "override"),
        )
        rule.check()
        return rule

    def as_json(self) -> dict[str, Any]:
        """The rule as it is kept and shown."""
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()}

    def check(self) -> None:
        """Raise Invalid, with the field, unless the rule makes sense."""
        in_hours = self.unit in (Unit.HOURS, Unit.WORKING_HOURS)
        if abs(self.amount) > (MOST_HOURS if in_hours else MOST_DAYS):
            raise Invalid("due_rule_invalid.amount_too_large", field="due.amount", hours=MOST_HOURS, days=MOST_DAYS)
        if (self.base in _NAMED) != bool(self.of):
            raise Invalid("due_rule_invalid.of_what", field="due.of")

    @property
    def description(self) -> str:
        """The rule in words, such as "8 working hours after the start", in the language of the present reader."""
        return self.in_words().sentence()

    def in_words(self) -> Statement:
        """The rule as a statement."""
        parts: dict[str, Value] = {
            "amount": abs(self.amount),
            "unit": str(self.unit),
            "base": str(self.base),
            "of": self.of,
        }
        code = "due_rule.at" if not self.amount else "due_rule.after" if self.amount > 0 else "due_rule.before"
        return statement(code, **parts, adjust=str(self.adjust), waited="added" if self.add_wait_time else "none")


@dataclass(frozen=True, slots=True)
class Facts:
    """The moments a rule may count from; a plain date means when work begins on that day."""

    start: datetime
    previous_end: datetime | None = None
    case_start: datetime | None = None
    schedule_date: date | None = None
    custom_date: datetime | date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a computation: what was done, and the moment it led to."""

    said: Statement
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Computed:
    """A due date, None where there is nothing to count from, with the steps that led there."""

    due: datetime | None
    steps: tuple[Step, ...]

    def steps_as_json(self) -> list[dict[str, Any]]:
        """The steps as they are kept."""
        return [step_as_json(step) for step in self.steps]


def step_as_json(step: Step) -> dict[str, Any]:
    """A step as it is kept: code, parameters and moment, and in English what it says, for those that know no codes."""
    return {"said": str(step.said), **step.said.as_json(), "moment": rfc3339(step.moment)}


def said_in(kept: Mapping[str, Any]) -> str:
    """What a kept step says, in the language of the present reader; one from before there were codes, in English."""
    return say(kept["code"], kept["parameters"]) if "code" in kept else str(kept["said"])


def compute(rule: DueRule, facts: Facts, calendar: WorkingCalendar) -> Computed:
    """The due date of a rule; raises Invalid for a calendar without hours and for a date outside of all calendars."""
    try:
        return _compute(rule, facts, calendar)
    except OverflowError as error:  # at the ends of what moments there are
        raise out_of_range() from error


def _compute(rule: DueRule, facts: Facts, calendar: WorkingCalendar) -> Computed:
    base, said = _base(rule, facts, calendar)
    if base is None:
        return Computed(None, (Step(said, None),))
    steps = [Step(said, base)]
    due = base
    if rule.amount:
        due = _add(base, rule.amount, rule.unit, calendar)
        steps.append(Step(_added(rule, base, due, calendar), due))
    if rule.adjust != Adjust.NONE:
        due = calendar.next_morning(due) if rule.adjust == Adjust.NEXT_MORNING else calendar.end_of_day(due)
        steps.append(Step(statement(_MOVED[rule.adjust], zone=calendar.zone.key), due))
    return Computed(due, tuple(steps))


def add_wait(
    due: datetime, rule: DueRule, waited_from: datetime, waited_to: datetime, calendar: WorkingCalendar
) -> Computed:
    """A due date moved on by the time waited: working time for a rule in working units, else all of it."""
    if rule.unit in (Unit.WORKING_HOURS, Unit.WORKING_DAYS):
        waited = max(timedelta(0), calendar.working_time_between(waited_from, waited_to))
        later, code = calendar.add_working_time(due, waited), "due_step.waited_working_time"
    else:
        waited = max(timedelta(0), waited_to - waited_from)
        later, code = due + waited, "due_step.waited"
    return Computed(later, (Step(statement(code, lasted=_lasted(waited)), later),))


def _base(rule: DueRule, facts: Facts, calendar: WorkingCalendar) -> tuple[datetime | None, Statement]:
    if rule.base == Base.PREVIOUS_END and facts.previous_end is not None:
        return facts.previous_end, statement("due_step.from_previous_end")
    if rule.base == Base.CASE_START and facts.case_start is not None:
        return facts.case_start, statement("due_step.from_case_start")
    if rule.base == Base.START:
        return facts.start, statement("due_step.from_start")
    if rule.base not in _NAMED:
        return facts.start, statement("due_step.from_start_instead", base=str(rule.base))
    found = facts.schedule_date if rule.base == Base.SCHEDULE_DATE else facts.custom_date
    if found is None:
        return None, statement("due_step.no_value", base=str(rule.base), of=rule.of)
    if isinstance(found, datetime):
        return found, statement("due_step.from_named", base=str(rule.base), of=rule.of)
    day, zone = found.isoformat(), calendar.zone.key
    return calendar.start_of(found), statement("due_step.from_day", base=str(rule.base), of=rule.of, day=day, zone=zone)


def _add(moment: datetime, amount: int, unit: Unit, calendar: WorkingCalendar) -> datetime:
    if unit == Unit.WORKING_HOURS:
        return calendar.add_working_time(moment, timedelta(hours=amount))
    if unit == Unit.WORKING_DAYS:
        return calendar.add_working_days(moment, amount)
    if unit == Unit.DAYS:
        return calendar.add_days(moment, amount)
    return moment + timedelta(hours=amount)


def _added(rule: DueRule, base: datetime, due: datetime, calendar: WorkingCalendar) -> Statement:
    """What adding the amount did, with the days that did not count."""
    code = "due_step.added" if rule.amount > 0 else "due_step.taken_off"
    parts: dict[str, Value] = {"amount": abs(rule.amount), "unit": str(rule.unit)}
    if rule.unit == Unit.HOURS:
        return statement(code, **parts)
    parts["zone"] = calendar.zone.key
    if rule.unit == Unit.DAYS:
        return statement(f"{code}_same_time", **parts)
    idle, holidays = _days_passed(base, due, calendar)
    if not idle:
        return statement(f"{code}_working", **parts)
    if not holidays:
        return statement(f"{code}_passing", **parts, idle=idle)
    return statement(f"{code}_passing_holidays", **parts, idle=idle, holidays=holidays)


def _days_passed(base: datetime, due: datetime, calendar: WorkingCalendar) -> tuple[int, int]:
    """How many days without work were passed over, and how many of them are holidays."""
    day, last = sorted((calendar.local_day(base), calendar.local_day(due)))
    idle = holidays = 0
    while day < last:
        day += DAY
        if not calendar.is_working_day(day):
            idle += 1
            holidays += calendar.is_holiday(day)
    return idle, holidays


def _lasted(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02} min"


def _one_of(kind: type[E], written: Any, field: str) -> E:
    try:
        return kind(written)
    except ValueError as error:
        raise Invalid("due_rule_invalid.choice", field=f"due.{field}", name=field, choices=list(kind)) from error
