"""Listeners: what reads events, each from a feed of its own and at its own pace. Registered once, in `wiring`.

A listener is told every event it asks for at least once; what its handler writes is written exactly once, because the handler
runs in the transaction that takes the events out of the feed. What leaves the database (a request, a mail) is no work for a
handler: it writes what a lane then sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workwire.outbox.models import Event


def _all(_event: Event) -> bool:
    return True


def _as_they_are(events: Sequence[Event], _now: datetime) -> Sequence[Event]:
    return events


@dataclass(frozen=True, slots=True)
class Listener:
    """Who wants which events, and what is done with a batch of them.

    `wants` names event types; None is all. `narrowed` may leave out events of these types by their name and their `changes`:
    it is asked in the transaction of the change, before the event has a number or a body, so it must be quick and must not
    fail. `handle` gets a batch in the order of the ledger, and a moment; what it raises, it has done nothing. With a `find`,
    which only reads, `handle` gets what that found of the batch: where writers take turns, it is found before the transaction
    begins. `in_order` asks for the events of one record in the order of their sequence: one that fails then holds up the later
    ones of its record.
    `from_the_beginning` asks for the whole ledger as well; without it a new listener begins with what happens from now.
    """

    name: str
    wants: frozenset[str] | None
    handle: Callable[[Any, datetime], object]
    narrowed: Callable[[Event], bool] = _all
    find: Callable[[Sequence[Event], datetime], Any] = _as_they_are
    in_order: bool = False
    from_the_beginning: bool = False
    batch: int = 25

    def asks_for(self, event: Event) -> bool:
        """Whether an event is one it wants."""
        return (self.wants is None or event.name in self.wants) and self.narrowed(event)


_listeners: dict[str, Listener] = {}


def register(listener: Listener) -> None:
    """Let a listener be told from now on; raises ValueError for a name taken."""
    if listener.name in _listeners:
        raise ValueError(f"listener {listener.name} is registered twice")
    _listeners[listener.name] = listener


def listeners() -> list[Listener]:
    """All that are registered."""
    return list(_listeners.values())


def asking_for(event: Event) -> list[str]:
    """The names of the listeners that want an event."""
    return [listener.name for listener in _listeners.values() if listener.asks_for(event)]
