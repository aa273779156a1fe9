"""What workers counted, quarter of an hour by quarter of an hour, for a week.

Counts of a worker begin anew with it and only grow, so each slot keeps how far they had come; what happened within a slot is
the difference to the slot before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from workwire.reactions.webhooks.models import WorkerSlot

SLOT, KEPT = timedelta(minutes=15), timedelta(days=8)
_COUNTED = ("attempts", "ended")


@dataclass(slots=True)
class Happened:
    """What all workers together counted within a time; `latency` counts messages taken by the class of seconds since their
    event, under its upper bound (infinite for the last one)."""

    attempts: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    latency: Counter[float] = field(default_factory=Counter)

    def within(self, percent: int) -> float | None:
        """The bound of the class within which so many of a hundred messages were taken; None where none was."""
        bounds = sorted(self.latency)
        whole = sum(self.latency.values())
        reached = zip(bounds, accumulate(self.latency[bound] for bound in bounds), strict=True)
        return next((bound for bound, count in reached if whole and count * 100 >= whole * percent), None)

    def add(self, other: Happened) -> None:
        """Take in what else happened."""
        self.attempts += other.attempts
        self.ended += other.ended
        self.latency += other.latency


def keep(worker: UUID, now: datetime, report: Mapping[str, Any]) -> None:
    """Keep how far the counts of a worker have come in the present slot, and forget those of long ago once in a slot."""
    told = {name: report[name] for name in (*_COUNTED, "latency", "bounds")}
    _, is_new = WorkerSlot.objects.update_or_create(worker=worker, begins=slot_at(now), defaults={"counts": told})
    if is_new:
        WorkerSlot.objects.filter(begins__lt=now - KEPT).delete()


def happened(since: datetime) -> dict[datetime, Happened]:
    """What was counted in each slot from the one of a moment on, where anything was; one query."""
    first = slot_at(since)
    found: dict[datetime, Happened] = defaultdict(Happened)
    before: dict[UUID, Happened] = {}
    rows = WorkerSlot.objects.filter(begins__gte=first - timedelta(days=1)).order_by("worker", "begins")
    for worker, begins, counts in rows.values_list("worker", "begins", "counts"):
        come = _read(counts)
        if begins >= first:
            found[begins].add(_difference(come, before.get(worker, Happened())))
        before[worker] = come
    return dict(found)


def slot_at(moment: datetime) -> datetime:
    """When the slot of a moment begins."""
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, tz=moment.tzinfo)


def _read(counts: Mapping[str, Any]) -> Happened:
    bounds = [*map(float, counts["bounds"]), float("inf")]
    latency = Counter(dict(zip(bounds, counts["latency"], strict=False)))
    return Happened(Counter(counts["attempts"]), Counter(counts["ended"]), latency)


def _difference(come: Happened, before: Happened) -> Happened:
    return Happened(come.attempts - before.attempts, come.ended - before.ended, come.latency - before.latency)
