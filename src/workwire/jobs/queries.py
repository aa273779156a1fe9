"""How to look at jobs; who may is said by `access.queries`, which knows administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet

from workwire.jobs.kinds import done_here
from workwire.jobs.models import OPEN
from workwire.jobs.models import Job as Job  # for type annotations of callers
from workwire.jobs.models import JobState as JobState  # for doors
from workwire.kernel.pages import Order
from workwire.kernel.text import is_storable

ORDERS: Mapping[str, Order | None] = {
    "-created": None,
    "created": Order("created_at"),
    "ended": Order("ended_at", nullable=True),
    "-ended": Order("ended_at", falling=True, nullable=True),
}  # by the names doors give them; None is the order of the ids, newest first
LATE = timedelta(minutes=10)
RECENTLY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Health:
    """How jobs are doing.

    `overdue`: by lane, the seconds that the oldest ready job has waited. `failing`: by kind, open jobs whose last try failed.
    `failed`: by kind, jobs that failed for good within a day.
    """

    overdue: dict[str, float]
    failing: dict[str, int]
    failed: dict[str, int]


def jobs(asked_by: int | None = None) -> QuerySet[Job]:
    """All jobs, or those an account asked for."""
    found = Job.objects.select_related("asked_by")
    return found if asked_by is None else found.filter(asked_by=asked_by)


def narrowed(found: QuerySet[Job], *, state: str | None = None, kind: str | None = None) -> QuerySet[Job]:
    """Those of some jobs that are in a state, or of a kind."""
    if kind is not None and not is_storable(kind):
        return found.none()
    wanted = {"state": state, "kind": kind}
    return found.filter(**{name: value for name, value in wanted.items() if value is not None})


def health(now: datetime) -> Health:
    """How the jobs of the kinds done here are doing, by one query."""
    ready, failing = OPEN & Q(ready_at__lt=now), OPEN & ~Q(error_code="")
    failed = Q(state=JobState.FAILED, ended_at__gt=now - RECENTLY)
    rows = (
        Job.objects.filter(ready | failing | failed, kind__in=list(done_here()))
        .order_by()
        .values_list("lane", "kind")
        .annotate(
            since=Min("ready_at", filter=ready),
            tried_again=Count("pk", filter=failing),
            given_up=Count("pk", filter=failed),
        )
    )
    found = Health({}, {}, {})
    for lane, kind, since, tried_again, given_up in rows:
        if since is not None:
            found.overdue[lane] = max((now - since).total_seconds(), found.overdue.get(lane, 0.0))
        if tried_again:
            found.failing[kind] = tried_again
        if given_up:
            found.failed[kind] = given_up
    return found


def standing() -> QuerySet[Job]:
    """The standing jobs: when each ran last and runs next, and how its last try failed, if it did."""
    return Job.objects.filter(OPEN, standing=True).order_by(F("kind"))


def of_kind(kind: str, *, since: datetime) -> list[Job]:
    """The jobs of a kind that were asked for since a moment."""
    return list(Job.objects.filter(kind=kind, created_at__gte=since))


def result_of(guid: UUID) -> Mapping[str, Any] | None:
    """What is told of a job that was done; None as long as it was not."""
    found = Job.objects.filter(guid=guid, state=JobState.DONE).values_list("result", flat=True).first()
    return dict(found) if found is not None else None
