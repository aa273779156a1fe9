"""What is told to whoever traces (see `telemetry`): a request, a job's piece, an event, an attempt. To nobody, and at no cost,
in an installation that does not trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol
from uuid import UUID

Answered = Callable[[int, str], object]


class Tracer(Protocol):
    """Who traces. None of its methods may fail, or wait for anything."""

    def request(self, method: str, headers: dict[str, str], name: str) -> AbstractContextManager[Answered]:
        """A request begins, which has a name in the log; its headers by their names in lower case. Gives what is told
        status and route of the answer."""

    def piece(self, kind: str, job: UUID) -> AbstractContextManager[object]:
        """A piece of a job is done inside."""

    def event(self, guid: UUID, name: str, record: UUID, at: datetime) -> Callable[[], object]:
        """An event is being recorded; gives what is to be called when its transaction has been committed."""

    def attempt(
        self, event: UUID, began_at: datetime, seconds: float, outcome: str, names: dict[str, object], number: int
    ) -> None:
        """An attempt to deliver a message about an event has ended. `outcome` is a status, or what went wrong instead."""


tracer: Tracer | None = None


def trace_to(found: Tracer | None) -> None:
    """Tell somebody from now on, or nobody."""
    global tracer
    tracer = found


def piece(kind: str, job: UUID) -> AbstractContextManager[object]:
    """A piece of a job is done inside."""
    return nullcontext() if tracer is None else tracer.piece(kind, job)
