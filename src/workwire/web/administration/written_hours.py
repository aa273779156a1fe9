"""Working hours as people write them: `09:00-12:00, 13:00-17:00` for a day, and single days one in a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from workwire.kernel.errors import Invalid
from workwire.rooms.commitments import given_hours

Day = Sequence[Sequence[str]]
_SHORT = re.compile(r"\b(\d:\d\d)\b")


def as_written(day: Day) -> str:
    """The hours of a day; nothing for a day without work."""
    return ", ".join(f"{start}-{end}" for start, end in day)


def hours_in(written: str) -> list[list[str]]:
    """The hours of a day that a text names; raises ValidationError."""
    text = _SHORT.sub(r"0\1", written.replace("–", "-").replace("24:00", "00:00"))
    parts = [part for part in text.split(",") if part.strip()]
    try:
        return given_hours.hours([[end.strip() for end in part.split("-")] for part in parts], "week")
    except Invalid as error:
        raise ValidationError(
            _(
                "Hours are written like 09:00-12:00, 13:00-17:00, in order and without overlap; 24:00 as an end is "
                "midnight."
            )
        ) from error


def days_as_written(days: Mapping[str, Day]) -> str:
    """Single days with their hours, one in a line, in order."""
    return "\n".join(f"{day} {as_written(hours)}".strip() for day, hours in sorted(days.items()))


def days_in(written: str) -> dict[str, list[list[str]]]:
    """The single days that a text names; raises ValidationError with the line that is wrong."""
    found: dict[str, list[list[str]]] = {}
    for number, line in enumerate(written.splitlines(), 1):
        if line.strip():
            day, _blank, hours = line.strip().partition(" ")
            try:
                found |= given_hours.exceptions({day: hours_in(hours)} if day not in found else _twice(day))
            except Invalid as error:
                raise _of_line(number, error.sentence()) from error
            except ValidationError as error:
                raise _of_line(number, " ".join(error.messages)) from error
    return found


def _twice(day: str) -> dict[str, list[list[str]]]:
    raise Invalid("date_repeated", field="exceptions", day=day)


def _of_line(number: int, what: str) -> ValidationError:
    return ValidationError(_("Line %(line)s: %(error)s") % {"line": number, "error": what})
