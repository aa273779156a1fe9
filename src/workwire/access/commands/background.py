"""What accounts do to the jobs they asked for."""

from __future__ import annotations

from uuid import UUID

from workwire.access import queries
from workwire.jobs import commands
from workwire.jobs.models import Job
from workwire.kernel.actor import Actor


def cancel_job(guid: UUID, *, by: Actor) -> Job:
    """Cancel a job; what it has done stays done. Raises NotFound for a job of somebody else, and Conflict for one that has
    ended or is a standing one."""
    return commands.cancel(queries.job(guid, by=by).guid, by=by)
