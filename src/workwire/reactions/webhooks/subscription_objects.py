"""What subscriptions are about, by name, as far as an actor may see it: found by a text, and named for pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from workwire.access.sight import filter_object, looked_for
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks.models import Subscription

OFFERED = 10


@dataclass(frozen=True, slots=True)
class Named:
    """An object that a subscription may be for, as people call it."""

    guid: UUID
    name: str


def found(kind: ObjectType, words: str, *, by: Actor) -> tuple[list[Named], bool]:
    """The first objects of a kind that an actor may see and that are called so, newest first without any words; and whether
    there are more. No object is called by very long words."""
    of = filter_object(kind)
    first = [Named(row.guid, of.called(row)) for row in looked_for(of, words, by=by)[: OFFERED + 1]]
    return first[:OFFERED], len(first) > OFFERED


def name_of(kind: ObjectType, guid: UUID, *, by: Actor) -> str:
    """What an object is called; empty for one that the actor may not see."""
    return _names(kind, [guid], by).get(guid, "")


def names_of(subscriptions: Iterable[Subscription], *, by: Actor) -> dict[UUID, str]:
    """What the objects of subscriptions are called, by their GUIDs: one query for each kind; without those the actor may not
    see."""
    wanted: dict[int, set[UUID]] = defaultdict(set)
    for one in subscriptions:
        if one.filter_guid is not None:
            wanted[one.filter_type].add(one.filter_guid)
    return {
        guid: name for kind, guids in wanted.items() for guid, name in _names(ObjectType(kind), list(guids), by).items()
    }


def _names(kind: ObjectType, guids: list[UUID], by: Actor) -> dict[UUID, str]:
    of = filter_object(kind)
    return {row.guid: of.called(row) for row in of.visible(by).filter(guid__in=guids)}
