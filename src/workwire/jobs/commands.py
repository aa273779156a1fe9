"""The only writer of jobs beside the worker, which moves them (see `running`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from workwire.jobs.events import JobCancelled
from workwire.jobs.kinds import kinds
from workwire.jobs.models import OPEN, Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType


def enqueue(
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    by: Actor,
    subject: UUID | None = None,
    after: timedelta = timedelta(0),
) -> Job:
    """Ask for a job of a kind, in the transaction of the change that wants it.

    `subject` is the GUID of the record it is about, which has at most one job of a kind that has not ended.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a job is asked for inside the transaction that wants it")
    return Job.objects.create(
        kind=kind,
        lane=kinds()[kind].lane,
        subject=subject,
        arguments=dict(arguments or {}),
        asked_by_id=by.user_id,
        ready_at=clock.now() + after,
    )


def hasten(kind: str, subjects: Collection[UUID]) -> int:
    """Let the next piece of the jobs about some records begin now, because what they wait for has come; returns how many there
    are.

    Inside the transaction of the change, before it records its event: a piece under way is waited for, so that it either saw
    the change or is done anew.
    """
    mine = Job.objects.filter(OPEN, kind=kind, subject__in=subjects)
    found = list(mine.select_for_update().order_by("pk").values_list("pk", flat=True))
    Job.objects.filter(pk__in=found, claim=None).update(ready_at=clock.now())
    return len(found)


def ensure(kind: str, *, by: Actor, subject: UUID) -> None:
    """Ask for a job about a record that has none of its kind, inside the transaction of the change, like `hasten`.

    When two ask at the same moment, the second one waits for the first and hastens its job.
    """
    made = Job(kind=kind, lane=kinds()[kind].lane, subject=subject, asked_by_id=by.user_id, ready_at=clock.now())
    Job.objects.bulk_create([made], ignore_conflicts=True)
    hasten(kind, [subject])


@transaction.atomic
def cancel(guid: UUID, *, by: Actor) -> Job:
    """End a job where its next piece would begin; the caller has checked that the actor may.

    One that was cancelled already stays so. Raises Conflict for a standing job, and for one that has ended.
    """
    found = Job.objects.select_for_update(of=("self",)).select_related("asked_by").get(guid=guid)
    if found.standing:
        raise Conflict("job_standing")
    if found.state not in (JobState.WAITING, JobState.RUNNING):
        raise Conflict("job_ended")
    if found.cancel_asked_at is not None:
        return found
    found.cancel_asked_at = clock.now()
    if found.claim is None:
        found.ready_at = found.cancel_asked_at
    found.save(update_fields=["cancel_asked_at", "ready_at"])
    subject = str(found.subject) if found.subject else None
    body = JobCancelled(GUID=str(found.guid), Kind=found.kind, Subject=subject)
    record(body, about=Subject(ObjectType.JOB, found.guid), by=by, changes=[])
    return found


def plan(lane: str) -> None:
    """Make the standing jobs of a lane that are missing, and let none wait longer than its kind says now."""
    now = clock.now()
    for kind in kinds().values():
        if kind.every is None or kind.lane != lane:
            continue
        made = Job(kind=kind.name, lane=kind.lane, standing=True, ready_at=now)
        Job.objects.bulk_create([made], ignore_conflicts=True)
        mine = Job.objects.filter(OPEN, kind=kind.name, standing=True)
        mine.exclude(lane=kind.lane).update(lane=kind.lane)
        mine.filter(claim=None, ready_at__gt=now + kind.every).update(ready_at=now + kind.every)


def complete(lane: str) -> int:
    """Make the jobs of a lane that records as they stand should have and do not; returns how many."""
    made = 0
    for kind in kinds().values():
        if kind.lane != lane:
            continue
        there = Job.objects.filter(OPEN, kind=kind.name, subject__isnull=False).values_list("subject", flat=True)
        known = set(there.iterator())
        missing = [
            Job(kind=kind.name, lane=kind.lane, subject=one.subject, asked_by_id=one.asked_by, ready_at=one.ready_at)
            for one in kind.wanted()
            if one.subject not in known
        ]
        Job.objects.bulk_create(missing, batch_size=500, ignore_conflicts=True)
        made += len(missing)
    return made
