"""The one source of the present moment, so that tests can hold it still."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen or datetime.now(UTC)


def is_frozen() -> bool:
    """Whether a test holds the clock."""
    return _frozen is not None


def rfc3339(moment: datetime | None) -> str | None:
    """Write a moment as RFC 3339 in UTC with milliseconds, or None for none."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextlib.contextmanager
def frozen(at: datetime) -> Iterator[Callable[[timedelta], None]]:
    """Hold the clock at a moment; the yielded function moves it on."""
    global _frozen
    before, _frozen = _frozen, at

    def advance(by: timedelta) -> None:
        global _frozen
        _frozen = (_frozen or at) + by

    try:
        yield advance
    finally:
        _frozen = before
