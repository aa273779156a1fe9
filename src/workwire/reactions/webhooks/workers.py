"""What workers tell with their signs of life: which are alive, what they count, which circuits they hold open.

A worker keeps its circuits and counts in memory and writes them as one small report every few seconds; doors read them
here. Counts begin anew with each worker.
"""

from __future__ import annotations

import os
import socket
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from workwire.reactions.webhooks import worker_slots
from workwire.reactions.webhooks.models import State, Worker

BEAT_EVERY, DEAD_AFTER = timedelta(seconds=5), timedelta(seconds=30)
MOST_CIRCUITS = 1_000  # named in one report; their number is told in full
OUTCOMES = ("2xx", "3xx", "4xx", "5xx", "no_answer", "other")
ENDS = (State.DELIVERED.label, State.GAVE_UP.label, State.WITHHELD.label, State.CANCELLED.label)
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0)  # seconds


@dataclass(slots=True)
class Report:
    """What one worker counted since it started, and how things are at the moment.

    `latency` counts messages taken by the seconds since their event, in the classes that end at `bounds` and one beyond;
    replays, backfills and tests are not among them. The bounds go with the report, for another release may have others.
    Every count has one writer, so that none is lost between threads.
    """

    attempts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    ended: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDS, 0))
    latency: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    bounds: list[float] = field(default_factory=lambda: list(BOUNDS))
    latency_sum: float = 0.0
    fanned_out: int = 0
    in_flight: int = 0
    clock_offset: float = 0.0
    circuits: dict[str, list[Any]] = field(default_factory=dict)  # of subscriptions by id: state and open until
    open: int = 0
    half_open: int = 0

    def attempted(self, status: int | None) -> None:
        """Count an attempt by its outcome."""
        outcome = "no_answer" if status is None else f"{status // 100}xx"
        self.attempts[outcome if outcome in self.attempts else "other"] += 1

    def took(self, seconds: float) -> None:
        """Count a message that was taken so many seconds after its event."""
        self.latency[bisect_left(self.bounds, seconds)] += 1
        self.latency_sum += max(0.0, seconds)

    def count_ends(self, ends: Mapping[State, int]) -> None:
        """Count deliveries that ended, by how."""
        for state, count in ends.items():
            self.ended[state.label] += count

    def classes(self) -> list[tuple[str, int]]:
        """The upper bounds of `latency`, each with the count up to it; empty where counts and bounds do not fit together."""
        names = [*map(str, self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.latency), strict=True)) if len(names) == len(self.latency) else []

    def look_at(self, circuits: Mapping[int, tuple[str, float]], now: datetime) -> None:
        """Take in the circuits that are not closed: of subscriptions their state and the seconds until a probe may go."""
        self.open = sum(state == "open" for state, _ in circuits.values())
        self.half_open = len(circuits) - self.open
        some = sorted(circuits.items(), key=lambda pair: pair[1])[-MOST_CIRCUITS:]
        self.circuits = {str(pk): [state, (now + timedelta(seconds=left)).isoformat()] for pk, (state, left) in some}

    def as_json(self) -> dict[str, Any]:
        """For the row of the worker."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as of its last sign of life; `report` is None for one of an older release."""

    name: str
    silent_for: float
    is_alive: bool
    report: Report | None


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the living workers do about a subscription's endpoint: `closed` (they send), `open` (they leave it alone
    until then) or `half_open` (one probe decides)."""

    state: str = "closed"
    open_until: datetime | None = None


def beat(worker: UUID, now: datetime, report: dict[str, Any] | None = None) -> None:
    """Write a sign of life with a report, and forget workers that have been silent for a day."""
    told = {"seen_at": now, "report": report}
    Worker.objects.update_or_create(
        guid=worker,
        defaults=told,
        create_defaults=told | {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now},
    )
    if report is not None:
        worker_slots.keep(worker, now, report)
    Worker.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def leave(worker: UUID) -> None:
    """Say goodbye after a clean stop."""
    Worker.objects.filter(guid=worker).delete()


def alive(now: datetime) -> int:
    """How many workers gave a sign of life lately."""
    return Worker.objects.filter(seen_at__gt=now - DEAD_AFTER).count()


def seen(now: datetime) -> list[Seen]:
    """All workers that did not say goodbye, and when they were last seen."""
    return [
        Seen(str(row), (now - row.seen_at).total_seconds(), row.seen_at > now - DEAD_AFTER, _read(row.report))
        for row in Worker.objects.order_by("started_at")
    ]


def circuit(subscription: int, now: datetime) -> Circuit:
    """The circuit of a subscription as the living workers told it last; the strictest of what they say."""
    found = list(_told(subscription, seen(now)))
    for state in ("open", "half_open"):
        moments = [until for told, until in found if told == state]
        if moments:
            return Circuit(state, max(moments) if state == "open" else None)
    return Circuit()


def _told(subscription: int, workers: Iterable[Seen]) -> Iterable[tuple[str, datetime]]:
    for one in workers:
        told = one.report.circuits.get(str(subscription)) if one.is_alive and one.report else None
        if told:
            yield told[0], datetime.fromisoformat(told[1])


def _read(told: Mapping[str, Any] | None) -> Report | None:
    """A report from a row; what another release wrote and this one does not know is left out."""
    if told is None:
        return None
    return Report(**{name: told[name] for name in Report.__slots__ if name in told})
