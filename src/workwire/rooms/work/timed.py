"""When time alone moves a work item: the moments, the timers that stand for them, and the items that should have some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from workwire.jobs import timers
from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import not_found
from workwire.rooms.work.models import Status, WorkItem

WAIT, FEEDBACK_WINDOW = "work.wait", "work.feedback_window"
_COLUMNS = {WAIT: ("wait_until", Status.WAITING), FEEDBACK_WINDOW: ("closes_on", Status.RESOLVED)}


def moments_of(item: WorkItem) -> dict[str, datetime | None]:
    """When time alone moves an item, by kind of timer; None for never."""
    return {
        kind: getattr(item, column) if item.status == status else None for kind, (column, status) in _COLUMNS.items()
    }


def set_timers(item: WorkItem, before: Mapping[str, datetime | None]) -> None:
    """Set and clear the timers of an item whose moments were others before its change."""
    for kind, moment in moments_of(item).items():
        if moment == before[kind]:
            continue
        if moment is None:
            timers.clear_timer(kind, item.guid)
        else:
            timers.set_timer(kind, item.guid, moment)


def register(kind: str, command: Callable[..., object]) -> None:
    """Register the command that moves items whose timer of a kind is due."""
    column, status = _COLUMNS[kind]

    def handle(guid: UUID, _now: datetime) -> object:
        item = WorkItem.objects.only("pk").filter(guid=guid).first()  # the command reads and locks it
        if item is None:
            raise not_found("work_item")
        return command(item, by=SYSTEM)

    def wanted() -> Iterable[tuple[UUID, datetime]]:
        found = WorkItem.objects.filter(status=status, **{f"{column}__isnull": False})
        return found.values_list("guid", column).iterator()

    timers.register(kind, handle, wanted)
