"""Bounds on what is under way at a time in this process: requests that take long, and bodies that take much memory.

Requests that take seconds hold a thread each; one account must not hold them all. Each web process counts for itself: what
is bounded are its threads and its memory.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from django.conf import settings

from workwire.kernel.errors import Limited

AGAIN = 5  # seconds


class ConcurrencyLimit:
    """At most `most` at a time for each of those who ask; `what` is what they are, in the plural. Of all kinds, and whoever
    asks, at most half as many are under way as the process has threads."""

    _lock = threading.Lock()
    _in_all = 0  # of all limits of this process

    def __init__(self, most: int, what: str) -> None:
        self._most, self._what = most, what
        self._under_way: Counter[Hashable] = Counter()

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a place of this limit."""
        return not self._under_way

    @contextmanager
    def one_for(self, who: Hashable) -> Iterator[None]:
        """Take a place as long as this lasts; raises Limited when all are taken."""
        with self._lock:
            if self._under_way[who] >= self._most:
                raise Limited(
                    "too_many_at_once",
                    retry_after=AGAIN,
                    most=self._most,
                    what=self._what,
                )
            if ConcurrencyLimit._in_all >= max(1, settings.CONFIG.web_threads // 2):
                raise Limited("too_many_at_once.in_all", retry_after=AGAIN)
            self._under_way[who] += 1
            ConcurrencyLimit._in_all += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[who] -= 1
                ConcurrencyLimit._in_all -= 1
                if not self._under_way[who]:
                    del self._under_way[who]


class WeightLimit:
    """At most `most` at a time of something that is weighed; what is heavier than that has its turn alone. `what` is what is
    weighed, in the plural."""

    def __init__(self, most: int, what: str, *, patience: float = 5.0) -> None:
        self._most, self._what, self._patience = most, what, patience
        self._free = most
        self._changed = threading.Condition()

    @contextmanager
    def place_of(self, weight: int) -> Iterator[None]:
        """Take a place as long as this lasts, waiting for those who are before; raises Limited when that takes too long."""
        weight = min(weight, self._most)
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= weight, self._patience):
                raise Limited("too_many_at_once.of_kind", retry_after=AGAIN, what=self._what)
            self._free -= weight
        try:
            yield
        finally:
            with self._changed:
                self._free += weight
                self._changed.notify_all()
