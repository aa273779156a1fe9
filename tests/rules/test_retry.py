"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workwire.reactions.webhooks.retry import LONGEST_RETRY_AFTER, next_pause, parse_retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEDULE = [5, 60, 600]


@given(st.integers(1, 3))
def test_each_pause_is_that_of_the_schedule_with_a_little_jitter(tries: int) -> None:
    pause = next_pause(SCHEDULE, tries)
    assert pause is not None
    assert SCHEDULE[tries - 1] <= pause <= SCHEDULE[tries - 1] * 1.1


def test_after_the_schedule_it_gives_up() -> None:
    assert next_pause(SCHEDULE, 4) is None


@given(st.floats(0, 1e9))
def test_a_longer_retry_after_wins_up_to_a_day(seconds: float) -> None:
    pause = next_pause(SCHEDULE, 1, retry_after=seconds)
    assert pause is not None
    assert min(seconds, LONGEST_RETRY_AFTER) <= max(pause, 5.5)
    assert pause <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("99999999999999999999", LONGEST_RETRY_AFTER),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
    ],
)
def test_retry_after_is_read_and_nonsense_is_not(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds
