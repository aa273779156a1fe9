"""Isolates a poison row by bisection, so that it stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from workwire.kernel.statements import is_away

T = TypeVar("T")


def each(work: Callable[[Sequence[T]], int], of: Sequence[T], alone: Callable[[T, Exception], None]) -> int:
    """Do work with all at once, or where that fails with halves of them; `alone` is told of each that fails by itself.
    Returns the sum of what `work` returned. Whatever fails must leave nothing done. Raises only when the database is away."""
    if not of:
        return 0
    try:
        return work(of)
    except Exception as error:  # one of them is wrong: halved until it is found
        if is_away(error):
            raise
        if len(of) == 1:
            alone(of[0], error)
            return 0
    middle = len(of) // 2
    return each(work, of[:middle], alone) + each(work, of[middle:], alone)
