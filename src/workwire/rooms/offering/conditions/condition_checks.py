"""Whether a condition can be asked: every field known, every operator and value of a fitting type. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from workwire.kernel.wording import statement
from workwire.rooms.offering.conditions import trees
from workwire.rooms.offering.conditions.condition_text import render
from workwire.rooms.offering.conditions.known_fields import ANSWER, KnownFields
from workwire.rooms.offering.conditions.trees import Call, Comparison, Condition, Field, Literal, Node, Value
from workwire.rooms.offering.conditions.value_types import FUNCTIONS, OPERATORS, Function, Operator, ValueType, compares
from workwire.rooms.offering.findings import Finding


@dataclass(frozen=True, slots=True)
class _Typed:
    type: ValueType
    choices: tuple[str, ...] = ()


def check(tree: Condition, known: KnownFields) -> list[Finding]:
    """What is wrong with a condition, where only the given fields are known; nothing for one that can be asked. The place of a
    finding is the path to its comparison, such as ``2/1``: the first part of the second part."""
    return [
        finding
        for place, comparison in _comparisons(tree, ())
        for finding in _of_comparison(comparison, known, "/".join(map(str, place)))
    ]


def _comparisons(node: Node, place: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Comparison]]:
    if isinstance(node, Comparison):
        yield place, node
        return
    for number, child in enumerate(trees.children(node), 1):
        yield from _comparisons(child, (*place, number))


def _of_comparison(comparison: Comparison, known: KnownFields, place: str) -> list[Finding]:
    findings: list[Finding] = []
    left = _type(comparison.left, known, place, findings)
    right = [(value, _type(value, known, place, findings)) for value in comparison.right]
    if left is None:
        return findings
    if comparison.operator not in OPERATORS[left.type]:
        said = statement(
            "finding_condition_operator",
            comparison=render(comparison),
            type=left.type.value,
            operator=comparison.operator.value,
        )
        return [*findings, Finding(said, place)]
    for value, typed in right:
        if typed is not None:
            findings += _of_value(comparison, left, value, typed, place)
    return findings


def _of_value(comparison: Comparison, left: _Typed, value: Value, typed: _Typed, place: str) -> list[Finding]:
    """What is wrong with a value on the right of a comparison."""
    if not compares(left.type, comparison.operator, typed.type):
        said = statement(
            "finding_condition_types", comparison=render(comparison), type=left.type.value, other=typed.type.value
        )
        return [Finding(said, place)]
    written = value.value if isinstance(value, Literal) else None
    if left.type == ValueType.ANSWER and written is None:
        return [Finding(statement("finding_condition_answer", comparison=render(comparison)), place)]
    if comparison.operator == Operator.CONTAINS:
        said = statement("finding_condition_contains_nothing", comparison=render(comparison))
        return [Finding(said, place)] if written == "" else []
    empty = written == "" and left.type != ValueType.ANSWER
    if left.choices and isinstance(written, str) and not empty and written not in left.choices:
        said = statement("finding_condition_choice", comparison=render(comparison), choices=left.choices[:20])
        return [Finding(said, place)]
    return []


def _type(value: Value, known: KnownFields, place: str, findings: list[Finding]) -> _Typed | None:
    """The type of a value; adds to the findings and returns None where it has none."""
    if isinstance(value, Literal):
        return _Typed(value.type)
    if isinstance(value, Call):
        return _type_of_call(value, known, place, findings)
    return _type_of_field(value, known, place, findings)


def _type_of_field(value: Field, known: KnownFields, place: str, findings: list[Finding]) -> _Typed | None:
    field = known.get(value.name)
    if field is not None:
        if field.retired:
            said = statement("finding_condition_retired", name=value.name)
            findings.append(Finding(said, place))
        return _Typed(field.type, field.choices)
    if value.name.startswith(ANSWER):
        said = statement("finding_condition_line", name=value.name)
    else:
        nearest = _nearest(value.name, known)
        said = (
            statement("finding_condition_field.nearest", name=value.name, nearest=nearest)
            if nearest
            else statement("finding_condition_field", name=value.name)
        )
    findings.append(Finding(said, place))
    return None


def _nearest(name: str, known: KnownFields) -> str:
    folded = {one.lower(): one for one in known if not one.startswith(ANSWER)}
    found = get_close_matches(name.lower(), folded, n=1)
    return folded[found[0]] if found else ""


def _type_of_call(value: Call, known: KnownFields, place: str, findings: list[Finding]) -> _Typed | None:
    signature = FUNCTIONS[value.function]
    typed = [_type(argument, known, place, findings) for argument in value.arguments]
    for takes, argument in zip(signature.takes, typed, strict=True):
        if argument is None:
            return None
        if argument.type not in takes:
            said = statement(
                "finding_condition_argument",
                call=render(value),
                function=signature.written,
                types=sorted(takes),
                type=argument.type.value,
            )
            findings.append(Finding(said, place))
            return None
    if value.function == Function.ADD_DAYS and not _is_whole(value.arguments[1]):
        findings.append(Finding(statement("finding_condition_days", call=render(value)), place))
    first = typed[0]
    gives = signature.gives or (first.type if first is not None else ValueType.DATE)
    return _Typed(gives, signature.choices)


def _is_whole(value: Value) -> bool:
    """Whether a literal is a whole number; what is no literal is seen when it is evaluated."""
    return not isinstance(value, Literal) or not isinstance(value.value, Decimal) or value.value % 1 == 0
