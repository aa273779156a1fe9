"""When work is due and how it stands against that: pure functions of moments and time zones, without tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from workwire.rooms.work.models import Rag


def due_date(submitted_at: datetime, due_within: timedelta | None) -> datetime | None:
    """The moment an item submitted now is due; None when its process promises none."""
    return None if due_within is None else submitted_at + due_within


def rag(due: datetime | None, now: datetime, time_zone: str) -> Rag:
    """How a due date stands at a moment; "today" is the calendar day in the item's time zone."""
    if due is None:
        return Rag.TO_BE_DETERMINED
    if due < now:
        return Rag.OVERDUE
    zone = _zone(time_zone)
    return Rag.DUE_TODAY if due.astimezone(zone).date() == now.astimezone(zone).date() else Rag.DUE_IN_FUTURE


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
