"""The arithmetic of expected time (work-manager TIM-5 … TIM-8)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workwire.rooms.effort import expectations
from workwire.rooms.effort.expectations import CaseEffort

MINUTES = st.integers(0, 10_000)
EFFORTS = st.builds(lambda created, rest: CaseEffort(created + rest, created), MINUTES, MINUTES)


def test_the_example_of_the_specification() -> None:
    """work-manager TIM-7: an action goes from 2 to 4 hours, the rest was 1 hour of 3 in all: rest 0, total 4."""
    assert expectations.case_effort(3, [2]) == CaseEffort(total=3, created=2)
    assert expectations.case_effort(3, [4]) == CaseEffort(total=4, created=4)


def test_the_initial_value_is_the_estimate_per_record_times_the_records() -> None:
    """work-manager TIM-5."""
    assert expectations.initial(15, 4) == 60
    assert expectations.initial(None, 4) is None
    assert expectations.initial(15, 2_000_000_000) == expectations.MOST_MINUTES


@given(MINUTES, st.lists(st.tuples(st.integers(0, 5), MINUTES), max_size=12))
def test_parts_take_from_the_rest_and_raise_the_total_where_it_is_spent(
    start: int, changes: list[tuple[int, int]]
) -> None:
    """work-manager TIM-5 … TIM-7, counted step by step: what is kept is the total alone."""
    parts, kept, rest = dict.fromkeys(range(6), 0), start, start
    for number, minutes in changes:
        more = minutes - parts[number]
        raised = max(0, more - rest)
        rest = rest - more + raised
        parts[number] = minutes
        effort = expectations.case_effort(kept, parts.values())
        assert (effort.total, effort.rest, effort.created) == (kept + raised, rest, sum(parts.values()))
        kept = effort.total


@given(EFFORTS, MINUTES)
def test_total_and_rest_move_each_other_by_the_same(effort: CaseEffort, minutes: int) -> None:
    """work-manager TIM-6."""
    by_total = expectations.with_total(effort, minutes)
    if minutes < effort.created:
        assert by_total is None
    else:
        assert by_total is not None
        assert by_total.total - effort.total == by_total.rest - effort.rest
        assert expectations.with_rest(effort, by_total.rest) == by_total
    by_rest = expectations.with_rest(effort, minutes)
    assert (by_rest.rest, by_rest.created) == (minutes, effort.created)


@given(MINUTES, st.floats(0, 20_000))
def test_what_is_left_is_never_below_nothing(expected: int, actual: float) -> None:
    """work-manager TIM-8."""
    assert expectations.remaining(expected, actual) == (expected - actual if actual < expected else 0)
