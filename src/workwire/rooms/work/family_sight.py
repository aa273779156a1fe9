"""What of a family is shown at each of its items, always as an actor.

At an item that the actor sees it is shown what came from that item and its case, and what came from other members that it
sees, too. In self service that is what one asked for, and nothing of what was made of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.outbox import public_changes
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import families, queries, relations
from workwire.rooms.work.models import WorkItem


def custom_data_shown(item: WorkItem, *, by: Actor, seen: Collection[int] | None = None) -> dict[str, Any]:
    """The custom data of an item, which the actor sees: its private values, and those of its family as far as the actor sees
    an origin of them; `seen` are the `origins_seen` of a list that the item is in."""
    return {**shared_data_shown(item, by=by, seen=seen), **item.private_data}


def shared_data_shown(item: WorkItem, *, by: Actor, seen: Collection[int] | None = None) -> dict[str, Any]:
    """The same without private values."""
    written, own = written_at(item), families.origin_of(item)
    shown = {own, *(in_sight(set(written.values()) - {own}, by) if seen is None else seen)}
    return {name: value for name, value in families.holder_of(item).custom_data.items() if written[name] in shown}


def origins_seen(items: Iterable[WorkItem], *, by: Actor) -> set[int]:
    """The numbers of the items where custom data of some items was written, if the actor sees them: one look for all."""
    others = {origin for item in items for origin in written_at(item).values() if origin != families.origin_of(item)}
    return in_sight(others, by)


def written_at(item: WorkItem) -> dict[str, int]:
    """The number of the item where each shared value of an item was written, by the name of its field."""
    holder = families.holder_of(item)
    return {name: holder.data_origins.get(name, holder.pk) for name in holder.custom_data}


def in_sight(numbers: Collection[int], by: Actor) -> set[int]:
    """Of the items with some numbers those whose values the actor sees, in one look."""
    if not numbers:
        return set()
    found = WorkItem.objects.filter(relations.belongs_in_sight("pk", by), pk__in=numbers)
    return set(found.values_list("pk", flat=True))


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


def _hidden_values(named: Mapping[str, Collection[str]], by: Actor) -> set[tuple[str, str]]:
    """Of the custom data that internal changes of some items name, by their GUIDs, what came from items that the reader does
    not see; nothing for who reads the history of all records."""
    if by.has(features.AUDIT):
        return set()
    rows = WorkItem.objects.filter(guid__in=named).exclude(data_origins={}).values_list("guid", "data_origins")
    origins = {
        (str(guid), name): origin
        for guid, written in rows
        for name, origin in written.items()
        if name in named[str(guid)]
    }
    seen = in_sight(set(origins.values()), by)
    return {value for value, origin in origins.items() if origin not in seen}


public_changes.hide_values("WorkItem", "custom_data", _hidden_values)
