"""How to look at time sessions: one's own, and those at the work items one sees and works on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.effort import policy
from workwire.rooms.effort.models import TimeCorrection, TimeSession
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """The time of some sessions in seconds: `counted` by the clock, `corrected` with the last correction of each."""

    counted: int
    corrected: int


def sessions_of(item: WorkItem, *, by: Actor) -> QuerySet[TimeSession]:
    """The time sessions at a work item that the actor sees, newest first, those of everybody; none for who does not work."""
    found = _sessions().filter(work_item=item.pk).order_by("-pk")
    return found if _works(by) else found.none()


def own(*, by: Actor, running: bool | None = None) -> QuerySet[TimeSession]:
    """The time sessions of the actor's account, newest first, also at items it sees no more; raises Forbidden for who does not
    work."""
    require(by, features.WORK_ITEMS)
    found = _sessions().filter(account=by.user_id or 0).order_by("-pk")
    return found if running is None else found.filter(running_since__isnull=not running)


def session(guid: UUID, *, by: Actor) -> TimeSession:
    """One time session, the actor's own or at an item it sees and works on; raises NotFound."""
    own_or_seen = Q(account=by.user_id or 0) | Q(work.lies_in_sight("work_item_id", by))
    found = _sessions().filter(own_or_seen, guid=guid).first() if _works(by) else None
    if found is None:
        raise not_found("time_session")
    return found


def corrections_of(found: TimeSession) -> QuerySet[TimeCorrection]:
    """The corrections of a time session, newest first; the caller has checked that it may be seen."""
    return TimeCorrection.objects.filter(session=found.pk).select_related("corrected_by").order_by("-pk")


def counted(found: TimeSession, now: datetime | None = None) -> int:
    """The seconds that the clock has counted until now."""
    if found.running_since is None:
        return found.counted_seconds
    return found.counted_seconds + max(0, int(((now or clock.now()) - found.running_since).total_seconds()))


def seconds(found: TimeSession, now: datetime | None = None) -> int:
    """The seconds that count: what the last correction says and what was counted since, or all that was counted."""
    raw, last = counted(found, now), last_correction(found)
    return raw if last is None else last.seconds + max(0, raw - last.counted_seconds)


def last_correction(found: TimeSession) -> TimeCorrection | None:
    """The correction that counts; reads nothing for a session of these queries."""
    return max(found.corrections.all(), key=lambda row: row.pk, default=None)


def time_spent(item: WorkItem) -> TimeSpent:
    """The time of all sessions at a work item; the caller has checked that it may be seen."""
    now, found = clock.now(), list(_sessions().filter(work_item=item.pk))
    return TimeSpent(sum(counted(one, now) for one in found), sum(seconds(one, now) for one in found))


def seconds_by_item(items: Collection[int]) -> dict[int, int]:
    """The seconds that count at some items, by number of the item; the caller has checked that they may be seen."""
    now, found = clock.now(), dict[int, int]()
    for one in _sessions().filter(work_item__in=items):
        found[one.work_item_id] = found.get(one.work_item_id, 0) + seconds(one, now)
    return found


def _works(actor: Actor) -> bool:
    return actor.has(features.WORK_ITEMS) and not policy.in_self_service(actor)


def _sessions() -> QuerySet[TimeSession]:
    corrections = Prefetch("corrections", queryset=TimeCorrection.objects.select_related("corrected_by"))
    found = TimeSession.objects.select_related("account", "category", "work_item")
    return found.prefetch_related(corrections)
