"""Kinds of jobs: what each is called, in which lane it is done, and by what.

`wiring` registers them, so that every process knows them all; a kind of a newer release is left to workers that know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from workwire.kernel.actor import Actor

LEASE = timedelta(minutes=1)  # longer than any piece takes
FORGOTTEN = 1_000  # rows in one piece


def growing(first: timedelta = timedelta(seconds=2), longest: timedelta = timedelta(hours=1)) -> tuple[timedelta, ...]:
    """The pauses between the tries of a kind that names none: each twice as long as the one before, for half a day in all."""
    doubled = tuple(first * 2**number for number in range(11))
    return (*doubled, *[longest] * 11)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a handler is told of the job: what was asked for, and where this piece begins (`cursor` is None for the first)."""

    job: UUID
    arguments: Mapping[str, Any]
    subject: UUID | None
    cursor: Any
    done: int
    total: int | None
    now: datetime

    @property
    def record(self) -> UUID:
        """The GUID of the record the job is about; raises LookupError for a job about none."""
        if self.subject is None:
            raise LookupError("this job is about no record")
        return self.subject


@dataclass(frozen=True, slots=True)
class More:
    """There is more to do: after a pause, beginning at `cursor`. `done` and `total` tell the progress; None leaves them."""

    cursor: Any = None
    done: int | None = None
    total: int | None = None
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Done:
    """All is done; `result` is what to tell of it."""

    result: Mapping[str, Any] = field(default_factory=dict)
    done: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that a record as it stands should have."""

    subject: UUID
    asked_by: int | None
    ready_at: datetime


class Expected(Exception):
    """A failure that says in its text all there is to say, to readers of the job too."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _nothing(_piece: Piece) -> Any:
    return None


def _leave(*_told: Any) -> None:
    return None


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class JobKind:
    """How the jobs of a kind are done.

    `handle` does one small piece in a transaction that also writes the progress, and says whether there is more. `outward` is
    done before that without a transaction, at least once: it talks to other systems and writes none of our rows but in
    transactions of its own; `handle` gets its answer. Whatever they raise is a try that failed: there is another after each
    of `pauses`, then the job has failed. `on_failure` is told of each, with the moment of the next try (None: the last), and
    `on_cancel` that the job ends because somebody cancelled it; both in the transaction that notes it. `refuse_cancelling`
    raises what refuses to let an actor cancel the job about a record, though its account asked for it.

    `every` makes the kind a standing one. `wanted` are the jobs that records as they stand should have, for a process of an
    older release may have changed them without asking for a job. `is_done_here` says whether this installation does such jobs
    at all; where it does not, they wait and nothing counts them as late.
    """

    name: str
    lane: str
    handle: Callable[[Piece, Any], More | Done]
    outward: Callable[[Piece], Any] = _nothing
    on_failure: Callable[[Piece, Exception, datetime | None], object] = _leave
    on_cancel: Callable[[Piece], object] = _leave
    refuse_cancelling: Callable[[UUID | None, Actor], object] = _leave
    wanted: Callable[[], Iterable[Wanted]] = tuple
    every: timedelta | None = None
    pauses: tuple[timedelta, ...] = growing()
    lease: timedelta = LEASE
    is_done_here: Callable[[], bool] = _always

    def again(self, tries: int, now: datetime) -> datetime | None:
        """When a job whose last tries failed is tried again; None when there have been enough."""
        return now + self.pauses[tries - 1] if tries <= len(self.pauses) else None


def forgetting(name: str, forget: Callable[[datetime, int], int], *, every: timedelta = timedelta(hours=1)) -> JobKind:
    """A standing kind that removes what is too old.

    `forget` is called with the moment and the most rows to remove in a piece, and returns how many it removed; after a full
    piece another one follows.
    """

    def handle(piece: Piece, _answer: Any) -> More | Done:
        gone = forget(piece.now, FORGOTTEN)
        done = piece.done + gone
        return More(done=done) if gone >= FORGOTTEN else Done({"removed": done}, done=done)

    return JobKind(name, "upkeep", handle, every=every)


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> None:
    """Register a kind of job; raises ValueError for a name taken."""
    if kind.name in _kinds:
        raise ValueError(f"job {kind.name} is registered twice")
    _kinds[kind.name] = kind


def kinds() -> Mapping[str, JobKind]:
    """All registered kinds by name."""
    return _kinds


def done_here() -> Mapping[str, JobKind]:
    """The kinds whose jobs this installation does, by name."""
    return {name: kind for name, kind in _kinds.items() if kind.is_done_here()}


def lanes() -> list[str]:
    """The lanes in which jobs are done, in the order in which the kinds were registered."""
    return list(dict.fromkeys(kind.lane for kind in done_here().values()))
