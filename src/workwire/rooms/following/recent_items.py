"""The work items an account opened last (work-manager ITM-12).

Who looked at what is no event: it concerns the account alone, is kept for the last twenty items only, and is written along the
way, so that a page never fails for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.following.models import RecentItem
from workwire.rooms.work import memberships
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem

MOST_RECENT = 20
_AGAIN_AFTER = timedelta(minutes=1)  # what is opened again sooner is not written again


def recent(*, by: Actor) -> list[tuple[WorkItem, datetime]]:
    """The last items that the actor opened and still sees, each with when that was, newest first; raises Forbidden for who
    does not work."""
    require(by, features.WORK_ITEMS)
    rows = RecentItem.objects.filter(work.lies_in_sight("work_item_id", by), account=by.user_id or 0)
    opened = dict(rows.order_by("-opened_at", "-pk").values_list("work_item", "opened_at")[:MOST_RECENT])
    return [(item, opened[item.pk]) for item in memberships.in_their_order(list(opened), by=by)]


def note_opened(item: WorkItem, *, by: Actor) -> None:
    """Note that the actor opened an item that it sees, and forget what is older than the last twenty. A database that is busy
    writing is not waited for twice: then it is not noted."""
    if by.user_id is None or not by.has(features.WORK_ITEMS):
        return
    now = clock.now()
    rows = dict(RecentItem.objects.filter(account=by.user_id).values_list("work_item", "opened_at"))
    newest = max(rows.values(), default=None)
    if newest is not None and rows.get(item.pk) == newest and now - newest < _AGAIN_AFTER:
        return
    too_many = sorted((row for row in rows if row != item.pk), key=lambda row: rows[row])[: -(MOST_RECENT - 1)]
    try:
        with transaction.atomic():
            RecentItem.objects.update_or_create(
                account_id=by.user_id, work_item_id=item.pk, defaults={"opened_at": now}
            )
            if too_many:
                RecentItem.objects.filter(account=by.user_id, work_item__in=too_many).delete()
    except OperationalError:
        return
