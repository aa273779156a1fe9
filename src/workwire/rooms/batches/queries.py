"""How to look at batches: an account's own."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from workwire.access import features
from workwire.access.policy import in_self_service, require
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, not_found
from workwire.rooms.batches.models import Batch, BatchRow
from workwire.rooms.batches.models import RowState as RowState  # for doors


def require_may_batch(by: Actor) -> None:
    """Raise Forbidden unless the actor works on items."""
    require(by, features.WORK_ITEMS)
    if in_self_service(by) or by.user_id is None:
        raise Forbidden("feature_missing.to_work")


def batches(*, by: Actor) -> QuerySet[Batch]:
    """The batches of the actor's account; raises Forbidden for who does not work."""
    require_may_batch(by)
    return Batch.objects.select_related("assignee").filter(account=by.user_id or 0)


def batch(guid: UUID, *, by: Actor) -> Batch:
    """One batch of the actor's account; raises NotFound."""
    found = batches(by=by).filter(guid=guid).first()
    if found is None:
        raise not_found("batch")
    return found


def rows_of(found: Batch, state: RowState | None = None) -> QuerySet[BatchRow]:
    """The rows of a batch, all or those in a state; the caller has checked that it may be seen."""
    rows = found.rows.select_related("work_item")
    return rows if state is None else rows.filter(state=state)
