"""A line of requests that serves parties and hosts in turn, so that neither keeps others waiting.

Invariants: at most `in_all` requests are under way, at most `per_host` to one host; parties take turns, and so do the hosts of
one party; the requests of one party to one host go in the order they came.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    under_way: int = 0
    places: int = 0  # those that wait for this host
    held_up: deque[_Place[T]] = field(default_factory=deque)  # those that could go on if it had not so much under way


@dataclass(slots=True, eq=False)
class _Place(Generic[T]):
    """What one party sends to one host. It stands in its party's line or is held up at its host, never in both."""

    party: int
    host: str
    waiting: deque[T] = field(default_factory=deque)
    stands: bool = False


class RoundRobin(Generic[T]):
    """Waiting requests of many parties to many hosts; used by one thread."""

    def __init__(self, *, in_all: int, per_host: int) -> None:
        self._in_all, self._per_host = in_all, per_host
        self._hosts: dict[str, _Host[T]] = {}
        self._places: dict[tuple[int, str], _Place[T]] = {}
        self._lines: OrderedDict[int, deque[_Place[T]]] = OrderedDict()  # of parties, the one whose turn is next first
        self._waiting = 0
        self.under_way = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, nothing is under way and no host is remembered."""
        return not (self._waiting or self.under_way or self._hosts or self._places)

    def add(self, party: int, host: str, item: T) -> None:
        """Add an item, which waits for the turn of its party and its host."""
        place = self._places.get((party, host))
        if place is None:
            place = self._places[party, host] = _Place(party, host)
            self._hosts.setdefault(host, _Host()).places += 1
        place.waiting.append(item)
        self._waiting += 1
        if not place.stands:
            self._stand(place)

    def next(self) -> tuple[str, T] | None:
        """Take the next item, which is then under way to its host until `done`; None when all bounds are reached."""
        while self._lines and self.under_way < self._in_all:
            place = self._next_place()
            host = self._hosts[place.host]
            if host.under_way >= self._per_host:
                self._stand(place)
                continue
            host.under_way += 1
            self.under_way += 1
            self._waiting -= 1
            item = place.waiting.popleft()
            if place.waiting:
                self._stand(place)
            else:
                host.places -= 1
                del self._places[place.party, place.host]
            return place.host, item
        return None

    def done(self, host: str) -> None:
        """Note that an item is no longer under way to this host."""
        record = self._hosts[host]
        record.under_way -= 1
        self.under_way -= 1
        if record.held_up:
            self._stand(record.held_up.popleft())
        if not record.under_way and not record.places:
            del self._hosts[host]

    def clear(self) -> list[T]:
        """Remove and return everything that waits."""
        items = [item for place in self._places.values() for item in place.waiting]
        self._hosts = {name: _Host(host.under_way) for name, host in self._hosts.items() if host.under_way}
        self._places.clear()
        self._lines.clear()
        self._waiting = 0
        return items

    def _next_place(self) -> _Place[T]:
        """The place whose turn it is, out of the line; its party goes to the end if more of its places stand there."""
        party, line = self._lines.popitem(last=False)
        place = line.popleft()
        place.stands = False
        if line:
            self._lines[party] = line
        return place

    def _stand(self, place: _Place[T]) -> None:
        place.stands = True
        if self._hosts[place.host].under_way < self._per_host:
            self._lines.setdefault(place.party, deque()).append(place)
        else:
            self._hosts[place.host].held_up.append(place)
