"""How to look at job positions."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from workwire.access import features
from workwire.access.policy import require_one_of
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.work.models import JobPosition


def job_positions(*, by: Actor) -> QuerySet[JobPosition]:
    """All job positions with their holders, for who configures processes or queues, or gives out work; raises Forbidden."""
    require_one_of(by, features.QUEUES, features.PROCESSES, features.ASSIGN_WORK)
    return JobPosition.objects.prefetch_related("holders")


def job_position(guid: UUID, *, by: Actor) -> JobPosition:
    """One job position; raises NotFound, and Forbidden like `job_positions`."""
    found = job_positions(by=by).filter(guid=guid).first()
    if found is None:
        raise not_found("job_position")
    return found
