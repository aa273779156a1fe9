"""Lists of work items: which are wanted, and in which order. What an actor may see is decided before (see `queries`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from workwire.kernel.keys import holding
from workwire.kernel.pages import Order
from workwire.kernel.text import is_storable
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import ItemContact, Status, WorkItem
from workwire.rooms.work.transitions import OPEN

_RELATIONS = frozenset({"parent", "queue", "assignee", "owner", "customer", "contract", "service"})
ORDERS: Mapping[str, Order | None] = {
    "-created": None,
    "updated": Order("updated_at"),
    "-updated": Order("updated_at", falling=True),
    "due": Order("due_date", nullable=True),
    "-due": Order("due_date", falling=True, nullable=True),
}  # by the names doors give them; None is the order of the ids, newest first


@dataclass(frozen=True, slots=True)
class Wanted:
    """What narrows a list; conditions hold together, and what is None does not narrow. Records are named by their GUIDs;
    `running` are those to do, in progress or waiting; `text` is part of the title, the reference, or the number in it; `data`
    is what `data_search.having` made of a search by custom data."""

    kind: ProcessType | None = None
    status: Status | None = None
    running: bool | None = None
    reference: str | None = None
    text: str | None = None
    parent: UUID | None = None
    queue: UUID | None = None
    assignee: UUID | None = None
    owner: UUID | None = None
    customer: UUID | None = None
    contract: UUID | None = None
    service: UUID | None = None
    contact: UUID | None = None
    updated_since: datetime | None = None
    due_before: datetime | None = None
    data: Q | None = None


def narrowed(items: QuerySet[WorkItem], wanted: Wanted) -> QuerySet[WorkItem]:
    """The items that match the filters."""
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if value is not None:
            items = items.filter(_condition(field.name, value))
    return items


def newest_in(statuses: Collection[Status], items: QuerySet[WorkItem], most: int) -> QuerySet[WorkItem]:
    """Those in some statuses among which the newest are, up to a number: of each status so many, along its index. Where a
    database cannot merge walks along an index (SQLite), all with these statuses would be read and sorted otherwise, and also
    where `items` are limited to these statuses already."""
    walks = (Q(pk__in=items.filter(status=one).order_by("-pk").values("pk")[:most]) for one in statuses)
    return items.filter(reduce(or_, walks))


def newest_by_id(items: QuerySet[WorkItem], wanted: QuerySet[WorkItem], most: int) -> QuerySet[WorkItem]:
    """The newest of `items` that are wanted, up to a number: their ids are found first, so that where a database has to sort
    it sorts ids, and not whole rows with all that lists show of them. `items` say nothing of what is wanted, so that rows are
    read by their ids."""
    return items.filter(pk__in=wanted.order_by("-pk").values("pk")[:most])


def matching(words: str) -> Q:
    """Items that have a text in their title, or are called by it."""
    return holding(words, "search") | _called(words) | _numbered(words)


def called(words: str) -> Q | None:
    """Items that have a text as their reference, or as the number in it; None for a text that is neither."""
    words = words.strip()
    if words.isascii() and words.isdecimal():
        return _numbered(words)
    number, dash, letter = words.partition("-")
    return _called(words) if dash and number.isdecimal() and letter else None


def _condition(name: str, value: object) -> Q:
    if isinstance(value, Q):
        return value
    if name in _RELATIONS:
        return Q(**{f"{name}__guid": value})
    if name == "contact":
        return Q(pk__in=ItemContact.objects.filter(Q(contact__guid=value)).values("item"))
    conditions = {
        "running": Q(status__in=OPEN) if value else ~Q(status__in=OPEN),
        "text": matching(str(value)),
        "reference": _called(str(value)),
        "updated_since": Q(updated_at__gte=value),
        "due_before": Q(due_date__lt=value),
    }
    return conditions.get(name) or Q(**{name: value})


def _numbered(number: str) -> Q:
    """Whether an item, or the case of an action, has a number: the part of a reference before its letters."""
    number = number.strip()
    if not (number.isascii() and number.isdecimal()):
        return Q(pk__in=())
    found = Q(reference__startswith=f"{number}-")
    if connection.vendor == "sqlite":  # walks its index only where a range is named
        found &= Q(reference__gt=f"{number}-", reference__lt=f"{number}.")
    return found


def _called(reference: str) -> Q:
    """Whether an item has a reference, in any case."""
    return Q(reference=reference.strip().upper()) if is_storable(reference) else Q(pk__in=())
