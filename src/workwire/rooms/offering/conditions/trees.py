"""The tree of a condition: closed, typed, bounded, and without code. In and out as JSON.

A condition is a comparison, or *all of*, *any of* or *not* of conditions; a value is a field, a literal, or what a function
makes of values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from workwire.kernel import text
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.conditions.value_types import FUNCTIONS, Function, Operator, ValueType

DEEPEST = 12  # conditions and calls within each other
MOST_PARTS = 200  # conditions and values of one tree
LONGEST_LITERAL = 500
LONGEST_FIELD = 120
MOST_DIGITS = 15  # what a JSON number keeps exactly everywhere
MOST_DECIMALS = 9

Scalar = str | Decimal | date | datetime | bool


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written in the condition; a moment is aware and in UTC."""

    value: Scalar

    @property
    def type(self) -> ValueType:
        """The type that the value has by its form."""
        return type_of(self.value)


@dataclass(frozen=True, slots=True)
class Call:
    """What a function makes of its arguments."""

    function: Function
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value compared with none, one or two others."""

    left: Value
    operator: Operator
    right: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when at least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its part does not."""

    part: Condition


Value = Field | Literal | Call
Condition = Comparison | AllOf | AnyOf | Not
Node = Condition | Value


def type_of(value: Scalar) -> ValueType:
    """The type of a plain value."""
    if isinstance(value, bool):
        return ValueType.FLAG
    if isinstance(value, datetime):
        return ValueType.MOMENT
    if isinstance(value, date):
        return ValueType.DATE
    return ValueType.NUMBER if isinstance(value, Decimal) else ValueType.TEXT


def text_literal(value: str) -> Literal:
    """A text; raises Invalid for one that is too long or has control characters."""
    if len(value) > LONGEST_LITERAL or not _is_one_line(value):
        raise Invalid("condition_text_invalid", most=LONGEST_LITERAL)
    return Literal(value)


def number_literal(written: str) -> Literal:
    """A number in plain digits, exact; raises Invalid for one that a JSON number does not keep."""
    try:
        number = Decimal(written)
    except InvalidOperation as error:
        raise Invalid("condition_number_invalid", most=MOST_DIGITS) from error
    if not number.is_finite():
        raise Invalid("condition_number_invalid", most=MOST_DIGITS)
    shortest = number.normalize() if number else Decimal(0)
    _, digits, exponent = shortest.as_tuple()
    if shortest.adjusted() >= MOST_DIGITS or len(digits) > MOST_DIGITS or int(exponent) < -MOST_DECIMALS:
        raise Invalid("condition_number_invalid", most=MOST_DIGITS)
    if shortest != number:  # it has more digits than Decimal calculates with
        raise Invalid("condition_number_invalid", most=MOST_DIGITS)
    return Literal(shortest)


def date_literal(written: str) -> Literal:
    """A day such as ``2026-03-31``; raises Invalid."""
    try:
        if len(written) != 10:
            raise ValueError(written)
        return Literal(date.fromisoformat(written))
    except ValueError as error:
        raise Invalid("condition_date_invalid") from error


def moment_literal(written: str) -> Literal:
    """A moment that names its time zone, such as ``2026-03-31T14:00:00Z``; raises Invalid."""
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise ValueError(written)
        return Literal(moment.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise Invalid("condition_moment_invalid") from error


def field_named(name: str) -> Field:
    """A field by its name; raises Invalid for a name that no field can have."""
    if (
        not 0 < len(name) <= LONGEST_FIELD
        or name != name.strip()
        or not _is_one_line(name)
        or re.search(r"[\[\]]", name)
    ):
        raise Invalid("condition_field_name_invalid", most=LONGEST_FIELD)
    return Field(name)


def _is_one_line(value: str) -> bool:
    return text.is_storable(value) and value.isprintable()


def require_bounded(tree: Condition) -> Condition:
    """The same tree; raises Invalid for one that is too large or too deep."""
    if sum(1 for _ in nodes(tree)) > MOST_PARTS:
        raise Invalid("condition_too_large", most=MOST_PARTS)
    if depth(tree) > DEEPEST:
        raise Invalid("condition_too_deep", most=DEEPEST)
    return tree


def depth(node: Node) -> int:
    """How many nodes lie within each other at most."""
    return 1 + max((depth(child) for child in children(node)), default=0)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in the order in which they are written."""
    if isinstance(node, Comparison):
        return (node.left, *node.right)
    if isinstance(node, (AllOf, AnyOf)):
        return node.parts
    if isinstance(node, Not):
        return (node.part,)
    return node.arguments if isinstance(node, Call) else ()


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order in which they are written."""
    yield node
    for child in children(node):
        yield from nodes(child)


def fields_of(tree: Node) -> list[str]:
    """The names of the fields of a tree, each once, in the order in which they are written."""
    return list(dict.fromkeys(node.name for node in nodes(tree) if isinstance(node, Field)))


def tags_of(tree: Node) -> list[str]:
    """The file tags that a tree asks for, each once."""
    calls = (node for node in nodes(tree) if isinstance(node, Call) and node.function == Function.HAS_FILE_WITH_TAG)
    named = (argument for call in calls for argument in call.arguments if isinstance(argument, Literal))
    return list(dict.fromkeys(str(tag.value) for tag in named))


def as_json(node: Node) -> dict[str, Any]:
    """A tree as it is kept."""
    if isinstance(node, AllOf):
        return {"all": [as_json(part) for part in node.parts]}
    if isinstance(node, AnyOf):
        return {"any": [as_json(part) for part in node.parts]}
    if isinstance(node, Not):
        return {"not": as_json(node.part)}
    if isinstance(node, Comparison):
        right = [as_json(value) for value in node.right]
        return {"left": as_json(node.left), "operator": node.operator.value, "right": right}
    if isinstance(node, Field):
        return {"field": node.name}
    if isinstance(node, Call):
        return {"call": node.function.value, "of": [as_json(value) for value in node.arguments]}
    return {node.type.value: plain(node.value)}


def plain(value: Scalar) -> str | int | float | bool:
    """A value as one of JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def from_json(written: object) -> Condition:
    """The tree that JSON describes; raises Invalid for anything else, and for one that is too large or too deep."""
    _require_small(written)
    return require_bounded(_condition(written))


def _require_small(written: object) -> None:
    """Raise Invalid for JSON of more objects than a tree has nodes, or of deeper ones, before any is read."""
    waiting, count = [(written, 0)], 0
    while waiting:
        value, level = waiting.pop()
        if isinstance(value, Mapping):
            count, level = count + 1, level + 1
        if level > DEEPEST:
            raise Invalid("condition_too_deep", most=DEEPEST)
        if count > MOST_PARTS:
            raise Invalid("condition_too_large", most=MOST_PARTS)
        if isinstance(value, (Mapping, list)):
            waiting.extend((one, level) for one in (value.values() if isinstance(value, Mapping) else value))


def _condition(written: object) -> Condition:
    found = _object(written)
    if found.keys() == {"left", "operator", "right"}:
        return comparison(
            _value(found["left"]),
            _operator(found["operator"]),
            tuple(_value(one) for one in _list(found["right"])),
        )
    if found.keys() == {"not"}:
        return Not(_condition(found["not"]))
    for key, made in (("all", AllOf), ("any", AnyOf)):
        if found.keys() == {key}:
            parts = tuple(_condition(one) for one in _list(found[key]))
            if len(parts) < 2:
                raise Invalid("condition_malformed")
            return made(parts)
    raise Invalid("condition_malformed")


def comparison(left: Value, operator: Operator, right: tuple[Value, ...]) -> Comparison:
    """A comparison; raises Invalid for a literal on its left or for another number of values than its operator takes."""
    if isinstance(left, Literal) or len(right) != operator.values:
        raise Invalid("condition_malformed")
    return Comparison(left, operator, right)


def call(function: Function, arguments: tuple[Value, ...]) -> Call:
    """A call of a function; raises Invalid for another number of arguments than it takes, or a tag that is no literal."""
    if len(arguments) != len(FUNCTIONS[function].takes):
        raise Invalid("condition_malformed")
    if function == Function.HAS_FILE_WITH_TAG and not isinstance(arguments[0], Literal):
        raise Invalid("condition_malformed")
    return Call(function, arguments)


def _value(written: object) -> Value:
    found = _object(written)
    if found.keys() == {"call", "of"}:
        return call(_function(found["call"]), tuple(_value(one) for one in _list(found["of"])))
    if len(found) != 1:
        raise Invalid("condition_malformed")
    ((key, value),) = found.items()
    if key == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
            raise Invalid("condition_number_invalid", most=MOST_DIGITS)
        return number_literal(repr(value))
    if key == "flag" and isinstance(value, bool):
        return Literal(value)
    readers: Mapping[str, Callable[[str], Value]] = {
        "field": field_named,
        "text": text_literal,
        "date": date_literal,
        "moment": moment_literal,
    }
    made = readers.get(key)
    if made is None or not isinstance(value, str):
        raise Invalid("condition_malformed")
    return made(value)


def _object(written: object) -> Mapping[str, Any]:
    if not isinstance(written, Mapping):
        raise Invalid("condition_malformed")
    return written


def _list(written: object) -> list[object]:
    if not isinstance(written, list):
        raise Invalid("condition_malformed")
    return written


def _operator(written: object) -> Operator:
    if not isinstance(written, str) or written not in frozenset(Operator):
        raise Invalid("condition_malformed")
    return Operator(written)


def _function(written: object) -> Function:
    if not isinstance(written, str) or written not in frozenset(Function):
        raise Invalid("condition_malformed")
    return Function(written)
