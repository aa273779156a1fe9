"""What of a family is shown at each of its items, always as an actor.

At an item that the actor sees it is shown what came from that item and its case, and what came from other members that it
sees, too. In self service that is what one asked for, and nothing of what was made of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet

from workwire.kernel.actor import Actor
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import families, queries, relations
from workwire.rooms.work.models import WorkItem


def custom_data_shown(item: WorkItem, *, by: Actor) -> dict[str, Any]:
    """The custom data of an item, which the actor sees: its private values, and those of its family as far as the actor sees
    an origin of them."""
    return {**shared_data_shown(item, by=by), **item.private_data}


def shared_data_shown(item: WorkItem, *, by: Actor) -> dict[str, Any]:
    """The same without private values."""
    holder = families.holder_of(item)
    origins = {name: holder.data_origins.get(name, holder.pk) for name in holder.custom_data}
    own = families.origin_of(item)
    others = set(origins.values()) - {own}
    shown = {own} | _in_sight(others, by)
    return {name: value for name, value in holder.custom_data.items() if origins[name] in shown}


def members(item: WorkItem, *, by: Actor) -> QuerySet[WorkItem]:
    """The items of the family of an item, which the actor sees, as far as it sees them, with the tickets that went into one of
    them, in the order in which they came."""
    return queries.items_visible_to(by).filter(pk__in=_family(item)).order_by("pk")


def keepers(item: WorkItem, *, by: Actor) -> QuerySet[WorkItem, int]:
    """The numbers of the items whose files, defects and communications are shown together at an item that the actor sees."""
    if relations.sees_own_only(by) or _is_alone(item):
        return relations.own_and_taken_over(item, by=by)
    found = WorkItem.objects.filter(pk__in=_family(item))
    return found.filter(Q(pk=item.pk) | relations.belongs_in_sight("pk", by)).values_list("pk", flat=True)


def _family(item: WorkItem) -> QuerySet[WorkItem, int]:
    """The numbers of the items of the family of an item, and of the tickets that went into one of them: the parts of a union,
    each of which a database finds along an index."""
    taker = queries.taker_of(item) if item.family_id is None else None
    top = families.holder_of(taker or item).pk
    members = WorkItem.objects.filter(Q(pk=top) | Q(family=top)).values_list("pk", flat=True)
    return members.union(WorkItem.objects.filter(goes_on_in__in=members).values_list("pk", flat=True), all=True)


def _is_alone(item: WorkItem) -> bool:
    """Whether an item is a ticket that neither became a case nor went into another item."""
    return item.kind == ProcessType.TICKET and item.family_id is None and item.goes_on_in_id is None


def _in_sight(origins: Collection[int], by: Actor) -> set[int]:
    if not origins:
        return set()
    found = WorkItem.objects.filter(relations.belongs_in_sight("pk", by), pk__in=origins)
    return set(found.values_list("pk", flat=True))
