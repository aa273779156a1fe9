"""When a failed delivery is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workwire.reactions.webhooks.retry import LONGEST_RETRY_AFTER, next_pause

SCHEDULE = [5, 60, 600]


@given(st.integers(1, 3))
def test_each_pause_is_that_of_the_schedule_with_a_little_jitter(tries: int) -> None:
    pause = next_pause(SCHEDULE, tries)
    assert pause is not None
    assert SCHEDULE[tries - 1] <= pause <= SCHEDULE[tries - 1] * 1.1


def test_after_the_schedule_it_gives_up() -> None:
    assert next_pause(SCHEDULE, 4) is None


@given(st.floats(0, 1e9))
def test_a_longer_retry_after_wins_up_to_its_bound(seconds: float) -> None:
    pause = next_pause(SCHEDULE, 1, retry_after=seconds)
    assert pause is not None
    assert min(seconds, LONGEST_RETRY_AFTER) <= max(pause, 5.5)
    assert pause <= LONGEST_RETRY_AFTER
