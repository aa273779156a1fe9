"""The arithmetic of expected time, in minutes (work-manager TIM-5 … TIM-8): pure functions of what a case holds.

The expected time of a case is the sum of its parts that were created (actions and sub-cases) and of the rest, for work not
yet created. A part that is created or grows takes from the rest first; what the rest does not hold raises the total. So the
total is all there is to keep: the rest is what it leaves, and it never falls by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_MINUTES = 10_000_000


@dataclass(frozen=True, slots=True)
class CaseEffort:
    """What is expected of a case: `total` for all of it, of that `created` for its parts."""

    total: int
    created: int

    @property
    def rest(self) -> int:
        """What is expected of work not yet created; never below 0."""
        return self.total - self.created


def initial(per_record: int | None, records: int) -> int | None:
    """What a process gives for so many records; None where it says nothing."""
    return None if per_record is None else min(MOST_MINUTES, per_record * records)


def case_effort(start: int, parts: Iterable[int]) -> CaseEffort:
    """The effort of a case whose total began at `start`; what is expected of its parts raises it where that is more."""
    created = sum(parts)
    return CaseEffort(max(start, created), created)


def with_total(effort: CaseEffort, total: int) -> CaseEffort | None:
    """The effort with another total; None where the parts take more."""
    return None if total < effort.created else CaseEffort(total, effort.created)


def with_rest(effort: CaseEffort, rest: int) -> CaseEffort:
    """The effort with another rest."""
    return CaseEffort(effort.created + rest, effort.created)


def remaining(expected: int, actual: float) -> float:
    """The minutes that are left of a piece of work; never below 0."""
    return max(0.0, expected - actual)
