"""A host whose clock is wrong: with this folder on PYTHONPATH every Python process reads the time of day as many seconds off
as WORKWIRE_TEST_CLOCK_SHIFT says. Counters that only measure how long something takes stay right.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, tzinfo
from typing import Self


def _shift(seconds: float) -> None:
    from workwire.kernel import clock

    right, right_ns = time.time, time.time_ns

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=seconds)

    clock.datetime = Wrong  # type: ignore[misc] # the one place where the product reads the time of day
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 1e9)


if os.environ.get("WORKWIRE_TEST_CLOCK_SHIFT"):
    _shift(float(os.environ["WORKWIRE_TEST_CLOCK_SHIFT"]))
