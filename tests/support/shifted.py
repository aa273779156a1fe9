"""The command line on a host whose clock is wrong: `python -m tests.support.shifted SECONDS dispatch`.

Shifts what Python tells as the time of day; counters that only measure how long something takes stay right.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo
from typing import Self

from workwire.kernel import clock


def shift(seconds: float) -> None:
    """Set the clock of this process wrong by so many seconds."""
    right, right_ns = time.time, time.time_ns

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=seconds)

    clock.datetime = Wrong  # type: ignore[misc] # the one place where the product reads the time of day
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    from workwire.cli import main

    main()
