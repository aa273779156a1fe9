"""What accounts do to the jobs they asked for."""

from __future__ import annotations

from uuid import UUID

from workwire.access import queries
from workwire.jobs import commands
from workwire.jobs.kinds import kinds
from workwire.jobs.models import Job
from workwire.kernel.actor import Actor


def cancel_job(guid: UUID, *, by: Actor) -> Job:
    """Cancel a job; what it has done stays done. Raises NotFound for a job of somebody else, Conflict for one that has ended
    or is a standing one, and what its kind refuses: a right may have gone since it was asked for, or not be an
    application's."""
    found = queries.job(guid, by=by)
    kind = kinds().get(found.kind)  # a newer release may have asked for it
    if kind is not None and not queries.administers(by):
        kind.refuse_cancelling(found.subject, by)
    return commands.cancel(found.guid, by=by)
