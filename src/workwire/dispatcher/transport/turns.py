"""Whose turn it is: requests wait here per host, so that a slow host keeps nobody else waiting.

Invariants: at most `in_all` requests are under way, at most `per_host` to one host; hosts take turns, and the
requests of one host go in the order they came.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    under_way: int = 0
    in_line: bool = False


class Turns(Generic[T]):
    """Waiting requests of many hosts; used by one thread."""

    def __init__(self, *, in_all: int, per_host: int) -> None:
        self._in_all, self._per_host = in_all, per_host
        self._hosts: dict[str, _Host[T]] = {}
        self._line: deque[str] = deque()  # the hosts that could go on now, each at most once
        self._waiting = 0
        self.under_way = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting

    def add(self, host: str, item: T) -> None:
        """Let an item wait for its host's turn."""
        record = self._hosts.get(host)
        if record is None:
            record = self._hosts[host] = _Host()
        record.waiting.append(item)
        self._waiting += 1
        self._stand_in_line(host, record)

    def next(self) -> tuple[str, T] | None:
        """Take the next item, which is then under way until `done`; None when all bounds are reached."""
        if not self._line or self.under_way >= self._in_all:
            return None
        host = self._line.popleft()
        record = self._hosts[host]
        record.in_line = False
        record.under_way += 1
        self.under_way += 1
        self._waiting -= 1
        item = record.waiting.popleft()
        self._stand_in_line(host, record)
        return host, item

    def done(self, host: str) -> None:
        """Say that an item of this host is no longer under way."""
        record = self._hosts[host]
        record.under_way -= 1
        self.under_way -= 1
        self._stand_in_line(host, record)
        if not record.under_way and not record.waiting:
            del self._hosts[host]

    def clear(self) -> list[T]:
        """Take everything that waits, for giving up."""
        items = [item for record in self._hosts.values() for item in record.waiting]
        for record in self._hosts.values():
            record.waiting.clear()
            record.in_line = False
        self._line.clear()
        self._waiting = 0
        return items

    def _stand_in_line(self, host: str, record: _Host[T]) -> None:
        if record.waiting and not record.in_line and record.under_way < self._per_host:
            record.in_line = True
            self._line.append(host)
