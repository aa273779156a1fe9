"""What differs between two messages about one record, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from workwire.outbox.registry import Envelope

OWN = frozenset(name.lower() for name in Envelope.model_fields) | {"previous"}  # of the event and not of the record
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose value is another one than in the message before; a key that is not there has no value."""

    key: str
    before: str
    now: str


def differences(before: str, now: str) -> tuple[Difference, ...]:
    """The keys that differ between two bodies, in the order of the later one; what is nested is named with dots."""
    earlier, later = dict(_flat(_of_record(before))), dict(_flat(_of_record(now)))
    keys = [*later, *(key for key in earlier if key not in later)]
    return tuple(
        Difference(key, earlier.get(key, NOTHING), later.get(key, NOTHING))
        for key in keys
        if earlier.get(key) != later.get(key)
    )


def _of_record(body: str) -> dict[str, Any]:
    return {key: value for key, value in orjson.loads(body).items() if key.lower() not in OWN}


def _flat(body: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in body.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", _written(value)


def _written(value: Any) -> str:
    return value if isinstance(value, str) and value else orjson.dumps(value).decode()
