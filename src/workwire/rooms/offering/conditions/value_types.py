"""What conditions compare: the types of values, the operators each type has, and the functions; one table for all readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workwire.rooms.offering.models import FieldKind


class ValueType(StrEnum):
    """The type of a field or of a literal."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    FLAG = "flag"
    ANSWER = "answer"
    TABLE = "table"


class Operator(StrEnum):
    """How a value is compared."""

    EQUALS = "equals"
    DIFFERS = "differs"
    GREATER = "greater"
    LESS = "less"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    IS_EMPTY = "is_empty"
    CONTAINS = "contains"

    @property
    def values(self) -> int:
        """How many values it takes beside the one on its left."""
        return {Operator.IS_EMPTY: 0, Operator.BETWEEN: 2}.get(self, 1)


class Function(StrEnum):
    """What may be made of a value."""

    LOWER = "lower"
    ADD_DAYS = "add_days"
    WEEKDAY = "weekday"
    DATE_PART = "date_part"
    HAS_FILE_WITH_TAG = "has_file_with_tag"


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is written, which types each of its arguments may have, and the type of its result, None for that of its
    first argument."""

    written: str
    takes: tuple[frozenset[ValueType], ...]
    gives: ValueType | None
    choices: tuple[str, ...] = ()


_ORDERED = (
    Operator.EQUALS,
    Operator.DIFFERS,
    Operator.GREATER,
    Operator.LESS,
    Operator.AT_LEAST,
    Operator.AT_MOST,
    Operator.BETWEEN,
    Operator.IS_EMPTY,
)
OPERATORS: Mapping[ValueType, tuple[Operator, ...]] = {
    ValueType.TEXT: (Operator.EQUALS, Operator.DIFFERS, Operator.CONTAINS, Operator.IS_EMPTY),
    ValueType.NUMBER: _ORDERED,
    ValueType.DATE: _ORDERED,
    ValueType.MOMENT: _ORDERED,
    ValueType.FLAG: (Operator.EQUALS, Operator.DIFFERS, Operator.IS_EMPTY),
    ValueType.ANSWER: (Operator.EQUALS, Operator.DIFFERS),
    ValueType.TABLE: (Operator.IS_EMPTY,),
}
ANSWERS = ("Yes", "No", "NA")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS = frozenset({ValueType.DATE, ValueType.MOMENT})
FUNCTIONS: Mapping[Function, Signature] = {
    Function.LOWER: Signature("lower", (frozenset({ValueType.TEXT}),), ValueType.TEXT),
    Function.ADD_DAYS: Signature("addDays", (DAYS, frozenset({ValueType.NUMBER})), None),
    Function.WEEKDAY: Signature("weekday", (DAYS,), ValueType.TEXT, WEEKDAYS),
    Function.DATE_PART: Signature("datePart", (DAYS,), ValueType.DATE),
    Function.HAS_FILE_WITH_TAG: Signature("WorkItemHasFileWithTag", (frozenset({ValueType.TEXT}),), ValueType.FLAG),
}
OF_KIND: Mapping[FieldKind, ValueType] = {
    FieldKind.SHORT_TEXT: ValueType.TEXT,
    FieldKind.LONG_TEXT: ValueType.TEXT,
    FieldKind.LIST: ValueType.TEXT,
    FieldKind.MULTI_LEVEL_LIST: ValueType.TEXT,
    FieldKind.EMAIL: ValueType.TEXT,
    FieldKind.DATE: ValueType.DATE,
    FieldKind.DATE_TIME: ValueType.MOMENT,
    FieldKind.CHECK_BOX: ValueType.FLAG,
    FieldKind.DECIMAL: ValueType.NUMBER,
    FieldKind.WHOLE_NUMBER: ValueType.NUMBER,
    FieldKind.TABLE: ValueType.TABLE,
}


def compares(left: ValueType, operator: Operator, right: ValueType) -> bool:
    """Whether a value of one type is compared with one of the other: of the same type, a day with a moment, and an answer with
    a text that names it."""
    if operator not in OPERATORS[left]:
        return False
    if left == ValueType.ANSWER:
        return right == ValueType.TEXT
    return left == right or {left, right} == DAYS
