"""How much JSON from outside is read: bytes and values of one body, and the memory of all bodies that are parsed at a time.

Guarantees: what is larger than it may be is refused before it is parsed; a body never becomes more than `MOST_VALUES`
objects for the rest of the house; all large bodies of one process together, parsed, stay within `ROOM`.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from workwire.kernel.errors import TooLarge
from workwire.kernel.limits import WeightLimit

LARGEST_BEFORE_LOGIN = 64 * 1024  # bytes
LARGEST = 4 * 1024 * 1024
LARGEST_WITH_FILES = 10 * 1024 * 1024  # where files come inside, in base64
MOST_VALUES = 100_000
ROOM = 64 * 1024 * 1024
_BYTES_OF_A_VALUE = 96  # what an empty object with its place in a list takes in memory, rounded up

_parsed = WeightLimit(ROOM, "large bodies")


def check_size(announced: str, *, most: int) -> None:
    """Raise TooLarge for a body that is announced, as by `Content-Length`, with more bytes than `most`."""
    if announced.isdecimal() and int(announced) > most:
        raise TooLarge("request_too_large", most=most)


def parse(body: bytes, held: ExitStack) -> Any:
    """The value of a JSON text. A large one takes its place among all that are parsed at a time until `held` is closed.

    Raises ValueError or RecursionError for what is no JSON, TooLarge for too many values, Limited when there is no place.
    """
    values = (
        body.count(b",") + body.count(b"{") + body.count(b"[") + 1
    )  # at least as many as there are: texts count too
    if len(body) > LARGEST_BEFORE_LOGIN:
        held.enter_context(_parsed.place_of(len(body) + values * _BYTES_OF_A_VALUE))
    found = json.loads(body, parse_constant=_refuse_constant)
    if values > MOST_VALUES:
        _check_count(found)
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _check_count(found: Any) -> None:
    waiting, count = [found], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise TooLarge("too_many_values", most=MOST_VALUES)
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
