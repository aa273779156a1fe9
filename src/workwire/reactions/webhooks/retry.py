"""When a failed delivery is tried again. Pure.

Source: specification, webhooks, section 6: at least three retries, jitter, `Retry-After` within bounds, then give up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER = 24 * 3600
JITTER = 0.1


def next_pause(schedule: Sequence[int], tries: int, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt after `tries` failed ones, None to give up.

    The pause of the schedule is lengthened by up to a tenth, so that receivers are not hit by all at once; a longer
    `retry_after` (seconds) wins, up to a day.
    """
    if tries > len(schedule):
        return None
    pause = schedule[tries - 1] * (1 + random.uniform(0, JITTER))  # noqa: S311 - spreads load, guards no secret
    return max(pause, min(retry_after or 0.0, LONGEST_RETRY_AFTER))


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds named by a `Retry-After` header, given as seconds or as a date (RFC 9110, 10.2.3); None for nonsense."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:12]), LONGEST_RETRY_AFTER))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
