"""The only place of the tests that sleeps.

A test waits for what another process, another thread or libcurl does. None of these tells a test when it is done, so that
`eventually` asks again until it is; where there is an event, a queue or a clock to set, a test uses that. What a peer that is
slow, a storm or a fault takes is its behaviour, and `linger` is how long that lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
EVERY = 0.02  # seconds


def eventually(
    condition: Callable[[], T], within: float = 30.0, *, every: float = EVERY, what: str | Callable[[], str] = ""
) -> T:
    """The first answer of a condition that is true; raises TimeoutError where there is none in so many seconds."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError((what if isinstance(what, str) else what()) or f"it did not come about in {within} s")
        time.sleep(every)
    return answer


def happens(condition: Callable[[], object], within: float = 10.0) -> bool:
    """Whether a condition comes true in so many seconds."""
    try:
        return bool(eventually(condition, within))
    except TimeoutError:
        return False


def linger(seconds: float) -> None:
    """Let a fake peer, a storm or a fault take so long."""
    time.sleep(seconds)
