"""Who set the state of a work item, why and when, who took it up again after it was resolved, and who changed it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workwire.access.models import User
from workwire.rooms.work.models import Status, StatusReason, WorkItem


@dataclass(frozen=True, slots=True)
class ItemState:
    """The state of an item. Who and when are None where the system did it, where nothing was reopened, and `set_at` also where
    the state was set before this was noted."""

    status: Status
    reason: StatusReason
    set_by: User | None
    set_at: datetime | None
    reopened_by: User | None
    reopened_on: datetime | None
    updated_by: User | None
    updated_at: datetime


def state_of(item: WorkItem) -> ItemState:
    """How the state of an item came about; the caller has checked that the actor sees the item."""
    found = WorkItem.objects.select_related("status_set_by", "reopened_by", "updated_by").get(pk=item.pk)
    return ItemState(
        status=Status(found.status),
        reason=StatusReason(found.status_reason),
        set_by=found.status_set_by,
        set_at=found.status_set_at,
        reopened_by=found.reopened_by,
        reopened_on=found.reopened_on,
        updated_by=found.updated_by,
        updated_at=found.updated_at,
    )
