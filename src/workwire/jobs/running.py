"""How workers do jobs: one piece of one job at a time, whichever of the lane has been ready for longest.

A piece is claimed under a lease in a transaction of its own, then done in another that writes its effects, the progress and
the place where the next begins. A worker that dies between the two leaves a claim that runs out; one that was overtaken
because its own ran out writes nothing. After a piece the job is ready behind all others, so that the jobs of a lane take
turns by piece. A failure is noted, and that job alone waits.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction

from workwire.jobs.kinds import Done, Expected, JobKind, More, Piece, done_here, kinds
from workwire.jobs.models import OPEN, Job, JobState
from workwire.kernel import clock, ids, logs, spans
from workwire.kernel.errors import DomainError
from workwire.kernel.statements import is_away

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds between looks when nothing is ready
FORGET, FORGET_EVERY = "jobs.forget", timedelta(hours=1)
BATCH = 1_000


class Lost(Expected):
    """The workers that claimed a job ended in the middle of it, too often."""

    def __init__(self) -> None:
        super().__init__("worker_lost", "The worker ended in the middle of it, time and again.")


def turn(lane: str) -> float:
    """Do one piece of what is ready in a lane; returns in how many seconds there may be more.

    Raises what the database raises while it is away; whatever else happens is noted in the job.
    """
    wait = _until_ready(lane)
    if wait > 0:
        return min(wait, POLL)
    claimed = claim(lane)
    if claimed is None:
        return POLL  # another worker is at it, longer than its lease
    carry_on(claimed, kinds()[claimed.kind])
    return 0.0


def free(lane: str) -> None:
    """Make ready what was claimed in a lane; for the one worker of an embedded database, when it starts."""
    Job.objects.filter(OPEN, lane=lane, claim__isnull=False).update(claim=None, ready_at=clock.now())


def forget(piece: Piece, _answer: Any) -> More | Done:
    """Remove a batch of the jobs that ended longer ago than they are kept."""
    before = piece.now - timedelta(days=settings.CONFIG.job_retention_days)
    old = Job.objects.filter(~OPEN, ended_at__lt=before).order_by("ended_at").values_list("pk", flat=True)[:BATCH]
    gone, _ = Job.objects.filter(pk__in=list(old)).delete()
    done = piece.done + gone
    return More(done=done) if gone == BATCH else Done({"removed": done}, done)


FORGETTING = JobKind(FORGET, "upkeep", forget, every=FORGET_EVERY)


def _ready(lane: str) -> Any:
    return Job.objects.filter(OPEN, lane=lane, kind__in=list(done_here())).order_by("ready_at", "id")


def _until_ready(lane: str) -> float:
    """Seconds until something is ready; asked without a transaction, so that a lane at rest is in nobody's way."""
    first: datetime | None = _ready(lane).values_list("ready_at", flat=True).first()
    return POLL if first is None else (first - clock.now()).total_seconds()


@transaction.atomic
def claim(lane: str) -> Job | None:
    """Claim the job of a lane that has been ready for longest; None where there is none."""
    now = clock.now()
    found: Job | None = _ready(lane).filter(ready_at__lte=now).select_for_update(skip_locked=True).first()
    if found is None:
        return None
    if found.started_at is None or (found.standing and found.state == JobState.WAITING and found.tries == 0):
        found.started_at = now
        found.done, found.total, found.cursor = 0, None, None
    found.state, found.claim, found.tries = JobState.RUNNING, ids.new_guid(), found.tries + 1
    found.ready_at = now + kinds()[found.kind].lease
    found.save(update_fields=["state", "claim", "tries", "ready_at", "started_at", "done", "total", "cursor"])
    return found


def carry_on(job: Job, kind: JobKind) -> None:
    """Do the next piece of a claimed job, or note why that failed."""
    with logs.about(job=job.guid), spans.piece(kind.name, job.guid):
        _do_piece(job, kind)


def _do_piece(job: Job, kind: JobKind) -> None:
    try:
        if job.tries > len(kind.pauses) + 1:
            raise Lost
        answer = kind.outward(_piece(job)) if job.cancel_asked_at is None else None
        _carry_out(job, kind, answer)
    except Exception as error:  # noqa: BLE001 - noted in the job; it holds up no other
        if is_away(error):
            close_old_connections()
        _note_failure(job, kind, error)


@transaction.atomic
def _carry_out(claimed: Job, kind: JobKind, answer: Any) -> None:
    job = _still_held(claimed)
    if job is None:
        return
    if job.cancel_asked_at is not None and answer is None:  # what was done outside is noted first
        kind.on_cancel(_piece(job))
        _end(job, JobState.CANCELLED)
    else:
        outcome = kind.handle(_piece(job), answer)
        job.done = job.done if outcome.done is None else outcome.done
        job.tries, job.error_code, job.error_text = 0, "", ""
        if isinstance(outcome, More):
            job.state, job.cursor = JobState.RUNNING, outcome.cursor
            job.total = job.total if outcome.total is None else outcome.total
            after = timedelta(0) if job.cancel_asked_at else outcome.after
            job.claim, job.ready_at = None, clock.now() + after
        else:
            job.result = dict(outcome.result)
            _end(job, JobState.DONE)
    job.save()


def _still_held(claimed: Job) -> Job | None:
    """The row of a claimed job, locked; None when the lease was lost to another worker."""
    found = Job.objects.select_for_update().filter(pk=claimed.pk, claim=claimed.claim).first()
    if found is None:
        logger.warning("%s took longer than its lease and is done by another worker", claimed)
    return found


def _end(job: Job, state: JobState) -> None:
    """End a job, or the run of a standing one, which is planned anew."""
    job.state, job.claim, job.ended_at = state, None, clock.now()
    kind = kinds()[job.kind]
    if job.standing and kind.every is not None:
        job.state, job.tries, job.ready_at = JobState.WAITING, 0, job.ended_at + kind.every


def _note_failure(claimed: Job, kind: JobKind, error: Exception) -> None:
    expected = isinstance(error, (Expected, DomainError))
    with transaction.atomic():
        job = _still_held(claimed)
        if job is None:
            return
        if job.cancel_asked_at is not None:
            kind.on_cancel(_piece(job))
            _end(job, JobState.CANCELLED)
            job.save()
            return
        again = kind.again(job.tries, clock.now())
        logger.warning(
            "%s failed (%s); %s",
            job,
            error,
            "it is given up" if again is None else f"tried again at {clock.rfc3339(again)}",
            exc_info=None if expected else error,
        )
        job.error_code, job.error_text = _told(error)
        job.claim = None
        if again is None:
            _end(job, JobState.FAILED)
        else:
            job.state, job.ready_at = JobState.WAITING, again
        job.save()
        _tell(kind, job, error, again)


def _tell(kind: JobKind, job: Job, error: Exception, again: datetime | None) -> None:
    """Tell the room that a try failed; a room that fails at that does not keep the failure from being noted."""
    try:
        with transaction.atomic():
            kind.on_failure(_piece(job), error, again)
    except Exception as second:
        if is_away(second):
            raise
        logger.error("what follows from the failure of %s could not be done", job, exc_info=second)


def _told(error: Exception) -> tuple[str, str]:
    """Code and text of a failure for readers; what nobody expected may hold anything and is in the log only."""
    if isinstance(error, (Expected, DomainError)):
        return error.code, str(error)[:500]
    return "unexpected", f"{type(error).__name__}; the log of the worker says more."


def _piece(job: Job) -> Piece:
    return Piece(job.guid, job.arguments, job.subject, job.cursor, job.done, job.total, clock.now())
