"""How work items stand against their due dates, as a column of a query: what lists are narrowed by and totals are counted by.

It says of many items what `item_due_dates.standing` says of one, but for two: what waits together with its due date, and what
is resolved, has no due date to meet now (work-manager-notes 4.3: grey).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from workwire.rooms.parties import queries as parties
from workwire.rooms.work.models import Status, WaitType, WorkItem


class DueState(IntEnum):
    """How an item stands against its due date, in the order in which people look at them."""

    OVERDUE = 0
    TODAY = 1
    LATER = 2
    NOT_SET = 3


_OWN_RULE = Q(definition__due_rule__add_wait_time=True)
_RULE_OF_CATEGORY = Q(definition=None, category__due_rule__add_wait_time=True)
_RULE_OF_VERSION = Q(definition=None, category__due_rule__isnull=True, process_version__due_rule__add_wait_time=True)
_WAITS_ALONG = (
    Q(status=Status.WAITING, due_date_overridden=False, waiting_since__isnull=False)
    & (Q(wait_type__lt=WaitType.PAUSE) | Q(wait_type__gt=WaitType.PAUSE))
    & (_OWN_RULE | _RULE_OF_CATEGORY | _RULE_OF_VERSION)
)
_NOT_SET = Q(due_date=None) | Q(status__in=(Status.DRAFT, Status.RESOLVED, Status.CLOSED)) | _WAITS_ALONG


def with_due_state(items: QuerySet[WorkItem], now: datetime) -> QuerySet[Any, Any]:
    """The items with `due_state`, a `DueState`, at a moment. Today is the day of the contract's time zone."""
    return items.annotate(due_state=_standing(now, parties.time_zones_of_contracts()))


def totals(items: QuerySet[Any, Any]) -> dict[DueState, int]:
    """How many of some items with `due_state` stand in each way; one query."""
    found = dict(items.order_by().values_list("due_state").annotate(number=Count("pk")))
    return {state: found.get(state, 0) for state in DueState}


def _standing(now: datetime, zones: Iterable[str]) -> Case:
    return Case(
        When(_NOT_SET, then=Value(DueState.NOT_SET.value)),
        When(due_date__lt=now, then=Value(DueState.OVERDUE.value)),
        *(
            When(due_date__lt=_midnight_after(now, zone), contract__time_zone=zone, then=Value(DueState.TODAY.value))
            for zone in zones
        ),
        default=Value(DueState.LATER.value),
        output_field=IntegerField(),
    )


def _midnight_after(now: datetime, time_zone: str) -> datetime:
    """When the day of a moment ends in a time zone."""
    zone = ZoneInfo(time_zone)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time.min, tzinfo=zone)
