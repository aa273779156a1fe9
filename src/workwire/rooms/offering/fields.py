"""Custom data: what a value of each kind of field may be. Pure; values come back in the one form in which they are kept.

Dates are kept as ``2026-03-31``, moments as RFC 3339 in UTC, check boxes as true or false, numbers as JSON numbers, a value
of a multi-level list as the list of its levels, a table as a list of rows. Codes of refusals end in what is wrong, and doors
map them to the documented messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from workwire.kernel import folding, plain_numbers, text
from workwire.kernel.clock import rfc3339
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.models import DataField, FieldKind

LONGEST_SHORT_TEXT = 500
LONGEST_LONG_TEXT = 64 * 1024
DEEPEST_LEVEL = 8
MOST_ROWS = 1000
MOST_DIGITS = 15  # what a JSON number keeps exactly everywhere
LEVELS_JOINED_BY = " > "
TABLE_KINDS = tuple(
    kind for kind in FieldKind if kind not in (FieldKind.TABLE, FieldKind.MULTI_LEVEL_LIST, FieldKind.LIST)
)


def read(field: DataField, value: Any) -> Any:
    """A value in the form in which it is kept, None for one that is emptied; raises Invalid naming the field."""
    if value is None or value == "" or value == []:
        return None
    if field.kind == FieldKind.LIST:
        return _choice(field, value)
    if field.kind == FieldKind.MULTI_LEVEL_LIST:
        return _levels(field, value)
    if field.kind == FieldKind.TABLE:
        return _rows(field, value)
    return _READERS[FieldKind(field.kind)](value, field.name)


def _choice(field: DataField, value: Any) -> str:
    if value not in field.options.get("values", []):
        raise Invalid("value_not_in_list", field=field.name, name=field.name)
    return str(value)


def _levels(field: DataField, value: Any) -> list[str]:
    levels = value.split(LEVELS_JOINED_BY) if isinstance(value, str) else value
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise Invalid("multi_level_value_invalid", field=field.name, name=field.name)
    if len(levels) > DEEPEST_LEVEL:
        raise Invalid("multi_level_too_long", field=field.name, name=field.name, most=DEEPEST_LEVEL)
    below = field.options.get("tree", {})
    for level in levels:
        if level not in below:
            raise Invalid("value_not_in_multi_level_list", field=field.name, name=field.name, value=level[:60])
        below = below[level]
    return levels


def _rows(field: DataField, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value) or len(value) > MOST_ROWS:
        raise Invalid("table_invalid", field=field.name, name=field.name, most=MOST_ROWS)
    columns = {folding.key(name): (name, FieldKind(kind)) for name, kind in field.options.get("columns", {}).items()}
    return [_row(field, columns, row) for row in value]


def _row(field: DataField, columns: Mapping[str, tuple[str, FieldKind]], row: Mapping[Any, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for written, value in row.items():
        column = columns.get(folding.key(str(written)))
        if column is None:
            raise Invalid("table_field_not_found", field=field.name, name=field.name, column=str(written)[:60])
        name, kind = column
        if value is not None and value != "":
            kept[name] = _READERS[kind](value, f"{field.name}.{name}")
    return kept


def _short_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_SHORT_TEXT:
        raise Invalid("short_text_too_long", field=name, name=name, most=LONGEST_SHORT_TEXT)
    return text.line(value, field=name, longest=LONGEST_SHORT_TEXT)


def _long_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Invalid("long_text_invalid", field=name, name=name)
    return text.prose(value, field=name, longest=LONGEST_LONG_TEXT)


def _date(value: Any, name: str) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        return (date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).date()).isoformat()
    except ValueError as error:
        raise Invalid("date_value_invalid", field=name, name=name) from error


def _date_time(value: Any, name: str) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        moment = datetime.fromisoformat(value)
        return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) or ""
    except (ValueError, OverflowError) as error:
        raise Invalid("date_time_value_invalid", field=name, name=name) from error


def _check_box(value: Any, name: str) -> bool:
    written = str(value).lower() if isinstance(value, (bool, str)) else ""
    if written not in ("true", "false"):
        raise Invalid("check_box_value_invalid", field=name, name=name)
    return written == "true"


def _decimal(value: Any, name: str) -> float:
    try:
        return plain_numbers.decimal(value, digits=MOST_DIGITS)
    except ValueError as error:
        raise Invalid("decimal_value_invalid", field=name, name=name, most=MOST_DIGITS) from error


def _whole_number(value: Any, name: str) -> int:
    try:
        return plain_numbers.whole(value, digits=MOST_DIGITS)
    except ValueError as error:
        raise Invalid("whole_number_value_invalid", field=name, name=name, most=MOST_DIGITS) from error


def _email(value: Any, name: str) -> str:
    try:
        if not isinstance(value, str) or len(value) > 254:
            raise ValidationError("not a text")
        validate_email(value)
    except ValidationError as error:
        raise Invalid("email_value_invalid", field=name, name=name) from error
    return value


_READERS: Mapping[FieldKind, Callable[[Any, str], Any]] = {
    FieldKind.SHORT_TEXT: _short_text,
    FieldKind.LONG_TEXT: _long_text,
    FieldKind.DATE: _date,
    FieldKind.DATE_TIME: _date_time,
    FieldKind.CHECK_BOX: _check_box,
    FieldKind.DECIMAL: _decimal,
    FieldKind.WHOLE_NUMBER: _whole_number,
    FieldKind.EMAIL: _email,
}
