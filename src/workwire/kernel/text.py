"""What counts as acceptable text: bounded, storable in every database, and one line where one line is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from workwire.kernel import folding
from workwire.kernel.errors import Invalid

LONGEST_NAME = 200
_EMPTY = {
    "username": "username_missing",
    "checklist": "checklist_missing",
    "period": "period_missing",
    "dates": "dates_missing",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # the escape itself, not a backslash followed by its letters


def line(value: str, *, field: str, longest: int) -> str:
    """One line of text without its outer blanks, composed and without characters that mislead; raises Invalid for control
    characters or more than `longest`."""
    value = folding.shown(_storable(value, field).strip()).strip()
    if _CONTROL.search(value):
        raise Invalid(
            "text_has_control_characters",
            field=field,
            name=field,
        )
    if len(value) > longest:
        raise Invalid("text_too_long", field=field, name=field, most=longest)
    return value


def name(value: str, *, field: str = "name", longest: int = LONGEST_NAME) -> str:
    """What a record is called: one line that is not empty, with single plain blanks; raises Invalid."""
    value = line(folding.single_blanks(value), field=field, longest=longest)
    if not value:
        raise Invalid(_EMPTY.get(field, "name_missing"), field=field, name=field)
    return value


def prose(value: str, *, field: str, longest: int) -> str:
    """Text of many lines, unchanged; raises Invalid for a NUL character or more than `longest` bytes of UTF-8."""
    value = _storable(value, field)
    if "\x00" in value:
        raise Invalid("text_has_control_characters.nul", field=field, name=field)
    if len(value.encode()) > longest:
        raise Invalid("text_too_long.bytes", field=field, name=field, most=longest)
    return value


def json_object(value: Mapping[str, Any], *, field: str, longest: int) -> dict[str, Any]:
    """A JSON object that every database can keep; raises Invalid when it is none or longer than `longest` bytes."""
    try:
        written = json.dumps(dict(value), allow_nan=False, ensure_ascii=False)
        size = len(written.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("json_invalid", field=field, name=field) from error
    if _ESCAPED_NUL.search(written):
        raise Invalid("json_invalid.nul", field=field, name=field)
    if size > longest:
        raise Invalid("json_too_long", field=field, name=field, most=longest)
    return dict(value)


def is_storable(value: str) -> bool:
    """Whether every database can look this text up: no NUL character and no half of one."""
    try:
        return b"\x00" not in value.encode()
    except UnicodeEncodeError:
        return False


def _storable(value: str, field: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Invalid("text_not_unicode", field=field, name=field) from error
    return value
