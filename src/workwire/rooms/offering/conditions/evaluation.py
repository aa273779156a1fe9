"""What a condition says about facts: it holds, it does not, or it cannot be evaluated and why. Pure.

* Texts are compared letter by letter, upper and lower case told apart, in composed form; `lower` makes them alike.
* Numbers are compared exactly. Moments are compared as moments, days as days; of a day and a moment the days are compared, as
  the calendar shows them in the item's time zone. `addDays` keeps the time of day there.
* An empty value equals only an empty one (an empty text is empty), differs from all others, and contains nothing. Whether it
  is greater or less than something cannot be evaluated.
* *All of* fails where one part fails and *any of* holds where one part holds, even beside parts that cannot be evaluated.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from workwire.kernel import folding
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering.conditions import trees
from workwire.rooms.offering.conditions.condition_text import render
from workwire.rooms.offering.conditions.trees import AllOf, Call, Comparison, Condition, Field, Literal, Not, Value
from workwire.rooms.offering.conditions.value_types import DAYS, WEEKDAYS, Function, Operator, ValueType, compares

MOST_DAYS = 36_500
LONGEST_SEEN = 200  # characters of a value that is kept with an outcome
HIDDEN = "…"  # instead of a value that the reader may not see

Known = trees.Scalar | tuple[Any, ...] | None  # a tuple is a table, None an empty value


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an item: values by the names of fields, the keys of the tags its files have, and its time zone; and,
    for fields whose value was written at another item, the number of that item."""

    values: Mapping[str, Any] = field(default_factory=dict)
    file_tags: frozenset[str] = frozenset()
    time_zone: str = "UTC"
    origins: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One comparison: its text, the values of its fields as JSON, whether it holds (None where that cannot be evaluated) and
    then why."""

    comparison: str
    values: Mapping[str, Any]
    holds: bool | None
    why: Statement | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a condition holds, None where it cannot be evaluated, and what each comparison saw, in the order they stand."""

    holds: bool | None
    seen: tuple[Seen, ...]

    @property
    def why(self) -> tuple[Statement, ...]:
        """Why it cannot be evaluated; nothing where it can."""
        return tuple(one.why for one in self.seen if one.why is not None) if self.holds is None else ()

    def as_json(self) -> dict[str, Any]:
        """The outcome as it is kept."""
        return {
            "holds": self.holds,
            "seen": [
                {
                    "comparison": one.comparison,
                    "values": dict(one.values),
                    "holds": one.holds,
                    "why": one.why.as_json() if one.why is not None else None,
                }
                for one in self.seen
            ],
        }


class _CannotBeEvaluated(Exception):
    def __init__(self, why: Statement) -> None:
        super().__init__(why.code)
        self.why = why


def evaluate(tree: Condition, facts: Facts) -> Outcome:
    """Evaluate a condition; never raises, whatever the facts are."""
    seen: list[Seen] = []
    return Outcome(_holds(tree, facts, seen), tuple(seen))


def explain(kept: Mapping[str, Any], hidden: Collection[str] = ()) -> list[Statement]:
    """What a kept outcome says, one statement for each comparison, to be shown by a door; of `hidden` fields no value."""
    return [_explained(one, hidden) for one in kept["seen"]]


def _explained(one: Mapping[str, Any], hidden: Collection[str]) -> Statement:
    saw = [f"[{name}] = {HIDDEN if name in hidden else _shown(value)}" for name, value in one["values"].items()]
    if one["holds"] is None:
        why = one["why"]
        return Statement(why["code"], why["parameters"])
    if one["holds"]:
        return statement("condition_seen.holds", comparison=one["comparison"], saw=saw)
    return statement("condition_seen.fails", comparison=one["comparison"], saw=saw)


def _shown(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _holds(node: Condition, facts: Facts, seen: list[Seen]) -> bool | None:
    if isinstance(node, Comparison):
        return _compare(node, facts, seen)
    if isinstance(node, Not):
        inner = _holds(node.part, facts, seen)
        return None if inner is None else not inner
    deciding = not isinstance(node, AllOf)
    found = [_holds(part, facts, seen) for part in node.parts]
    if deciding in found:
        return deciding
    return None if None in found else not deciding


def _compare(node: Comparison, facts: Facts, seen: list[Seen]) -> bool | None:
    values = {name: _as_json(facts.values.get(name)) for name in trees.fields_of(node)}
    text = render(node)
    try:
        left = _value(node.left, facts)
        right = [_value(value, facts) for value in node.right]
        holds = _compared(node, left, right, facts)
    except _CannotBeEvaluated as reason:
        seen.append(Seen(text, values, None, reason.why))
        return None
    except OverflowError:  # a moment at the end of time in another time zone
        seen.append(Seen(text, values, None, statement("condition_not_evaluated.range", comparison=text)))
        return None
    seen.append(Seen(text, values, holds))
    return holds


def _compared(node: Comparison, left: Known, right: list[Known], facts: Facts) -> bool:
    operator = node.operator
    if operator == Operator.IS_EMPTY:
        return left is None
    if left is None or None in right:
        return _with_empty(node, left, right)
    for other in right:
        if not compares(_type(left), operator, _type(other)):
            raise _CannotBeEvaluated(statement("condition_not_evaluated.types", comparison=render(node)))
    return _COMPARE[operator](*_alike(left, right, facts))


def _with_empty(node: Comparison, left: Known, right: list[Known]) -> bool:
    if node.operator == Operator.EQUALS:
        return left is right[0]
    if node.operator == Operator.DIFFERS:
        return left is not right[0]
    if node.operator == Operator.CONTAINS and left is None:
        return False
    raise _CannotBeEvaluated(statement("condition_not_evaluated.empty", comparison=render(node)))


def _alike(left: Known, right: list[Known], facts: Facts) -> list[Any]:
    """The values in forms that Python compares: days where a day is among moments, composed texts."""
    values = [left, *right]
    if ValueType.DATE in map(_type, values):
        return [_day(value, facts) for value in values]
    return [unicodedata.normalize("NFC", value) if isinstance(value, str) else value for value in values]


_COMPARE: Mapping[Operator, Callable[..., bool]] = {
    Operator.EQUALS: lambda left, right: left == right,
    Operator.DIFFERS: lambda left, right: left != right,
    Operator.GREATER: lambda left, right: left > right,
    Operator.LESS: lambda left, right: left < right,
    Operator.AT_LEAST: lambda left, right: left >= right,
    Operator.AT_MOST: lambda left, right: left <= right,
    Operator.BETWEEN: lambda left, least, most: least <= left <= most,
    Operator.CONTAINS: lambda left, right: right in left,
}


def _value(value: Value, facts: Facts) -> Known:
    if isinstance(value, Literal):
        return value.value if value.value != "" else None
    if isinstance(value, Field):
        if value.name not in facts.values:
            raise _CannotBeEvaluated(statement("condition_not_evaluated.field", name=value.name))
        return _known(value.name, facts.values[value.name])
    return _called(value, facts)


def _known(name: str, value: Any) -> Known:
    """A fact in the one form in which values are compared."""
    if value is None or value == "" or value == [] or value == ():
        return None
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(value, (bool, str)) or (isinstance(value, Decimal) and value.is_finite()):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    raise _CannotBeEvaluated(statement("condition_not_evaluated.value", name=name))


def _called(call: Call, facts: Facts) -> Known:
    arguments = [_value(argument, facts) for argument in call.arguments]
    if None in arguments:
        return None
    return _CALL[call.function](call, arguments, facts)


def _lower(call: Call, arguments: list[Known], _facts: Facts) -> Known:
    if not isinstance(arguments[0], str):
        raise _wrong(call)
    return arguments[0].lower()


def _add_days(call: Call, arguments: list[Known], facts: Facts) -> Known:
    begin, days = arguments
    if not isinstance(days, Decimal) or _type(begin) not in DAYS or abs(days) > MOST_DAYS or days % 1:
        raise _wrong(call)
    if isinstance(begin, datetime):
        return (begin.astimezone(_zone(facts.time_zone)) + timedelta(days=int(days))).astimezone(UTC)
    return _day(begin, facts) + timedelta(days=int(days))


def _weekday(call: Call, arguments: list[Known], facts: Facts) -> Known:
    return WEEKDAYS[_date_part(call, arguments, facts).weekday()]


def _date_part(call: Call, arguments: list[Known], facts: Facts) -> date:
    if _type(arguments[0]) not in DAYS:
        raise _wrong(call)
    return _day(arguments[0], facts)


def _has_file_with_tag(_call: Call, arguments: list[Known], facts: Facts) -> Known:
    return folding.key(str(arguments[0])) in facts.file_tags


_CALL: Mapping[Function, Callable[[Call, list[Known], Facts], Known]] = {
    Function.LOWER: _lower,
    Function.ADD_DAYS: _add_days,
    Function.WEEKDAY: _weekday,
    Function.DATE_PART: _date_part,
    Function.HAS_FILE_WITH_TAG: _has_file_with_tag,
}


def _wrong(call: Call) -> _CannotBeEvaluated:
    return _CannotBeEvaluated(statement("condition_not_evaluated.call", call=render(call)))


def _type(value: Known) -> ValueType:
    """The type of a value that is not empty. An answer is a text here: which texts it may have was checked."""
    return ValueType.TABLE if isinstance(value, tuple) or value is None else trees.type_of(value)


def _day(value: Any, facts: Facts) -> date:
    moment = value if isinstance(value, datetime) else None
    day: date = value if moment is None else moment.astimezone(_zone(facts.time_zone)).date()
    return day


def _as_json(value: Any) -> Any:
    """A value as it is kept with an outcome, long ones cut short."""
    if isinstance(value, (list, tuple)):
        return f"{len(value)} rows" if value else None
    if isinstance(value, str):
        return value[:LONGEST_SEEN] or None
    if isinstance(value, (bool, int)) or value is None:
        return value
    try:
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        is_plain = isinstance(value, date) or (isinstance(value, Decimal) and value.is_finite())
        return trees.plain(value) if is_plain else str(value)[:LONGEST_SEEN]
    except OverflowError:  # a moment at the end of time in another time zone
        return str(value)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
