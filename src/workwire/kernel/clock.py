"""The one source of the present moment, so that hosts agree on it and tests can hold it still.

Where a database that many hosts share tells the time, the process follows that one (`follow`): what one host writes and
another compares with its own moment must not depend on how well their clocks are set.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

_COUNTER = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps, where there is one
_frozen: datetime | None = None
_followed: tuple[datetime, float] | None = None  # what the other clock said, and what our counter said then


def now() -> datetime:
    """The present moment, aware, in UTC."""
    if _frozen is not None:
        return _frozen
    if _followed is not None:
        moment, counted = _followed
        return moment + timedelta(seconds=count() - counted)
    return datetime.now(UTC)


def count() -> float:
    """Seconds on a counter that nobody sets; only differences mean anything."""
    return time.clock_gettime(_COUNTER)


def follow(moment: datetime, counted: float) -> None:
    """Go by another clock from now on, which showed `moment` when our counter stood at `counted`; setting the clock of
    this machine no longer matters."""
    global _followed
    _followed = moment.astimezone(UTC), counted


def offset() -> float:
    """By how many seconds the clock we go by is ahead of this machine's."""
    return (now() - datetime.now(UTC)).total_seconds() if _followed is not None else 0.0


def seconds() -> float:
    """Seconds on a clock that only runs forward, whatever is done to the system's: for measuring, not for storing."""
    return _frozen.timestamp() if _frozen else _BEGAN + count()


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


_BEGAN = time.time() - count()  # so that seconds of a held clock and of a running one are alike
