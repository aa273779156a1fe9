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


_BASES = {
    Base.START: "the start",
    Base.PREVIOUS_END: "the end of the action before",
    Base.CASE_START: "the start of the case",
    Base.SCHEDULE_DATE: "the schedule date",
    Base.CUSTOM_DATE: "the field",
}
_ADJUSTED = {Adjust.NEXT_MORNING: "the next working morning", Adjust.END_OF_DAY: "the end of that working day"}
_NAMED = (Base.SCHEDULE_DATE, Base.CUSTOM_DATE)


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
            raise _invalid(f"A due date rule has no '{min(unknown)}'.", min(unknown))
        if not isinstance(written.get("amount"), int) or isinstance(written["amount"], bool):
            raise _invalid("The amount is a whole number.", "amount")
        if not isinstance(written.get("of", ""), str):
            raise _invalid("'of' is a name.", "of")
        if not isinstance(written.get("add_wait_time", False), bool):
            raise _invalid("add_wait_time is true or false.", "add_wait_time")
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
            raise _invalid(f"The amount is at most {MOST_HOURS} hours or {MOST_DAYS} days.", "amount")
        if (self.base in _NAMED) != bool(self.of):
            raise _invalid("'of' names the schedule date or the field, and nothing else.", "of")

    @property
    def description(self) -> str:
        """The rule in words, such as "8 working hours after the start"."""
        base = f"{_BASES[self.base]} '{self.of}'" if self.of else _BASES[self.base]
        counted = f"{_counted(self.amount, self.unit)} {'after' if self.amount > 0 else 'before'} {base}"
        said = counted if self.amount else f"at {base}"
        if self.adjust != Adjust.NONE:
            said += f", then {_ADJUSTED[self.adjust]}"
        return f"{said}, plus the time waited" if self.add_wait_time else said


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

    said: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Computed:
    """A due date, None where there is nothing to count from, with the steps that led there."""

    due: datetime | None
    steps: tuple[Step, ...]

    def steps_as_json(self) -> list[dict[str, str | None]]:
        """The steps as they are kept and shown."""
        return [{"said": step.said, "moment": rfc3339(step.moment)} for step in self.steps]


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
        steps.append(Step(f"Moved to {_ADJUSTED[rule.adjust]} ({calendar.zone.key}).", due))
    return Computed(due, tuple(steps))


def add_wait(
    due: datetime, rule: DueRule, waited_from: datetime, waited_to: datetime, calendar: WorkingCalendar
) -> Computed:
    """A due date moved on by the time waited: working time for a rule in working units, else all of it."""
    if rule.unit in (Unit.WORKING_HOURS, Unit.WORKING_DAYS):
        waited = max(timedelta(0), calendar.working_time_between(waited_from, waited_to))
        later, kind = calendar.add_working_time(due, waited), "of working time"
    else:
        waited = max(timedelta(0), waited_to - waited_from)
        later, kind = due + waited, "of time"
    return Computed(later, (Step(f"Added the {_lasted(waited)} {kind} that it waited.", later),))


def _base(rule: DueRule, facts: Facts, calendar: WorkingCalendar) -> tuple[datetime | None, str]:
    if rule.base == Base.PREVIOUS_END and facts.previous_end is not None:
        return facts.previous_end, "Counted from the end of the action before."
    if rule.base == Base.CASE_START and facts.case_start is not None:
        return facts.case_start, "Counted from the start of the case."
    if rule.base not in _NAMED:
        missing = rule.base != Base.START
        because = f" ({_BASES[rule.base]} is not known)" if missing else ""
        return facts.start, f"Counted from the start{because}."
    found = facts.schedule_date if rule.base == Base.SCHEDULE_DATE else facts.custom_date
    name = f"{_BASES[rule.base]} '{rule.of}'"
    if found is None:
        return None, f"There is no due date: {name} has no value."
    if isinstance(found, datetime):
        return found, f"Counted from {name}."
    return calendar.start_of(found), f"Counted from {name}, the beginning of {found.isoformat()} ({calendar.zone.key})."


def _add(moment: datetime, amount: int, unit: Unit, calendar: WorkingCalendar) -> datetime:
    if unit == Unit.WORKING_HOURS:
        return calendar.add_working_time(moment, timedelta(hours=amount))
    if unit == Unit.WORKING_DAYS:
        return calendar.add_working_days(moment, amount)
    if unit == Unit.DAYS:
        return calendar.add_days(moment, amount)
    return moment + timedelta(hours=amount)


def _added(rule: DueRule, base: datetime, due: datetime, calendar: WorkingCalendar) -> str:
    """What adding the amount did, with the days that did not count."""
    sign = "Added" if rule.amount > 0 else "Took off"
    said = f"{sign} {_counted(rule.amount, rule.unit)}"
    if rule.unit not in (Unit.WORKING_HOURS, Unit.WORKING_DAYS):
        return f"{said}." if rule.unit == Unit.HOURS else f"{said} at the same time of day ({calendar.zone.key})."
    day, last = sorted((calendar.local_day(base), calendar.local_day(due)))
    idle = holiday = 0
    while day < last:
        day += DAY
        if not calendar.is_working_day(day):
            idle += 1
            holiday += calendar.is_holiday(day)
    passed = f", passing over {_days(idle)} without work" if idle else ""
    return f"{said}{passed}{f' ({_days(holiday)} of holiday)' if holiday else ''} ({calendar.zone.key})."


def _days(count: int) -> str:
    return f"{count} day" + ("" if count == 1 else "s")


def _counted(amount: int, unit: Unit) -> str:
    words = unit.value.replace("_", " ")
    return f"{abs(amount)} {words.removesuffix('s') if abs(amount) == 1 else words}"


def _lasted(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02} min"


def _one_of(kind: type[E], written: Any, field: str) -> E:
    try:
        return kind(written)
    except ValueError as error:
        raise _invalid(f"{field} is one of {', '.join(kind)}.", field) from error


def _invalid(message: str, field: str) -> Invalid:
    return Invalid("due_rule_invalid", message, field=f"due.{field}")
