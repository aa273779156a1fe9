"""How to look at what one follows, at one's focus list, and (without a check of rights) at who follows an item."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.actor import Actor
from workwire.rooms.following.models import FocusEntry, Follower
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import Status, WorkItem

MOST_IN_FOCUS = 50


def followed_since(item: WorkItem, *, by: Actor) -> datetime | None:
    """Since when the actor follows an item that it sees; None where it does not."""
    found = Follower.objects.filter(work_item=item.pk, account=by.user_id or 0).values_list("since", flat=True)
    return found.first()


def followed(*, by: Actor) -> QuerySet[WorkItem]:
    """The work items that the actor follows and may see; raises Forbidden for who does not work."""
    require(by, features.WORK_ITEMS)
    mine = Follower.objects.filter(work_item=OuterRef("pk"), account=by.user_id or 0)
    return work.items_visible_to(by).filter(Exists(mine)).exclude(status=Status.CLOSED)


def focus_list(*, by: Actor) -> QuerySet[FocusEntry]:
    """The focus list of the actor in its order, without items it may see no more; raises Forbidden for who does not work."""
    require(by, features.WORK_ITEMS)
    found = FocusEntry.objects.filter(work.lies_in_sight("work_item_id", by), account=by.user_id or 0)
    return found.select_related("work_item__work_type").order_by("place", "pk")


def followers_of(items: Collection[int]) -> list[tuple[int, int]]:
    """Who follows some items, as numbers of item and account, without a check of rights; closed items have none."""
    found = Follower.objects.filter(work_item__in=items).exclude(work_item__status=Status.CLOSED)
    return list(found.order_by("pk").values_list("work_item", "account"))
