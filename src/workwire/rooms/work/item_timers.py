"""When time alone moves a work item: the moments, the timers that stand for them, and the items that should have some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from workwire.jobs import timers
from workwire.jobs.timers import TimerKind
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.rooms.work import queries, relations
from workwire.rooms.work.models import Status, WorkItem

WAIT, FEEDBACK_WINDOW, DIVIDED = "work.wait", "work.feedback_window", "work.divided"
FAMILY_DATA, FAMILY_TITLE = "work.family_data", "work.family_title"
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
    """Register the command that moves a locked item whose timer of a kind is due."""
    column, status = _COLUMNS[kind]

    def move(item: WorkItem, _now: datetime) -> object:
        return command(item, by=SYSTEM)

    def wanted() -> Iterable[tuple[UUID, datetime]]:
        found = WorkItem.objects.filter(status=status, **{f"{column}__isnull": False})
        return found.values_list("guid", column).iterator()

    timers.register(kind, TimerKind(lock, move, wanted))


def look_at_divided(tickets: Iterable[UUID], at: datetime) -> None:
    """Let the clock look whether split or converted tickets are complete."""
    timers.set_timers(DIVIDED, tickets, at)


def register_divided(command: Callable[..., object]) -> None:
    """Register the command that completes a locked ticket when all that was made of it is closed."""

    def move(item: WorkItem, _now: datetime) -> object:
        return command(item, by=SYSTEM)

    def wanted() -> Iterable[tuple[UUID, datetime]]:
        return ((guid, clock.now()) for guid in relations.complete_tickets().values_list("guid", flat=True).iterator())

    timers.register(DIVIDED, TimerKind(lock, move, wanted))


def look_at_data(items: Iterable[UUID], at: datetime) -> None:
    """Let the clock count the due dates of items anew, because custom data of their family changed."""
    timers.set_timers(FAMILY_DATA, items, at)


def look_at_title(actions: Iterable[UUID], at: datetime) -> None:
    """Let the clock give actions the title of their case, because that changed."""
    timers.set_timers(FAMILY_TITLE, actions, at)


def register_family(kind: str, command: Callable[..., object]) -> None:
    """Register the command that lets a locked item follow its family."""

    def move(item: WorkItem, _now: datetime) -> object:
        return command(item, by=SYSTEM)

    timers.register(kind, TimerKind(lock, move, lambda: ()))


def lock(guids: Sequence[UUID], wait: bool) -> dict[UUID, WorkItem]:
    """Lock items for the clock until the transaction ends, without `wait` only those that nobody else holds."""
    return {item.guid: item for item in _TO_LOCK(SYSTEM, wait, guids=list(guids))}


def _to_lock(_by: Actor, wait: bool, *, guids: list[UUID]) -> QuerySet[WorkItem]:
    found = queries.for_events().filter(guid__in=guids).order_by("pk")
    return found.select_for_update(of=("self",), no_key=True, skip_locked=not wait)


_TO_LOCK = ComposedQuery(_to_lock)
