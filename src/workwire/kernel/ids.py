"""Public ids: random enough not to be guessed, ordered by time so that indexes stay compact (UUID version 7, RFC 9562)."""

from __future__ import annotations

import os
from uuid import UUID

from workwire.kernel import clock

NIL = UUID(int=0)


def new_guid() -> UUID:
    """A fresh UUID version 7: 48 bits of milliseconds on the clock all hosts go by, then 74 random bits."""
    value = int(clock.now().timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def made_at(guid: bytes) -> float:
    """The seconds since 1970 at which one of our GUIDs was made, to the millisecond."""
    return int.from_bytes(guid[:6]) / 1000


def parse_guid(text: object) -> UUID | None:
    """Read a GUID in the usual spellings (hyphens and braces optional); None when it is not one."""
    try:
        return text if isinstance(text, UUID) else UUID(str(text))
    except ValueError:
        return None
