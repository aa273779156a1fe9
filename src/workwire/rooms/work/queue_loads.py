"""How much waits in queues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from workwire.rooms.work.models import Queue, Status, WorkItem


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits in a queue for somebody to get it, and the soonest due date of it."""

    count: int = 0
    oldest_due: datetime | None = None


def waiting_in(found: Iterable[Queue]) -> dict[int, Waiting]:
    """How much waits in each of some queues, by the id of the queue, in one query; the caller has checked that the actor sees
    them. It counts what the actor does not see, too."""
    asked = [one.pk for one in found]
    rows = (
        WorkItem.objects.filter(queue__in=asked, status=Status.TO_DO, assignee=None)
        .order_by()
        .values_list("queue")
        .annotate(count=Count("*"), oldest_due=Min("due_date"))  # all of it stands in one index
    )
    return dict.fromkeys(asked, Waiting()) | {pk: Waiting(count, oldest) for pk, count, oldest in rows}
