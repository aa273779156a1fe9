"""When a failed delivery is tried again. Pure.

Source: specification, webhooks, section 6: at least three retries, jitter, `Retry-After` within bounds, then give up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

LONGEST_RETRY_AFTER = 6 * 3600  # as libcurl reads it
JITTER = 0.1


def next_pause(schedule: Sequence[int], tries: int, *, retry_after: float = 0.0) -> float | None:
    """Seconds until the next attempt after `tries` failed ones, None to give up.

    The pause of the schedule is lengthened by up to a tenth, so that receivers are not hit by all at once; a longer
    `retry_after` (seconds) wins, up to six hours.
    """
    if tries > len(schedule):
        return None
    pause = schedule[tries - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, guards no secret
    return max(pause, min(retry_after, LONGEST_RETRY_AFTER))
