"""Data permissions as pages show them: what the reader may not see is counted, not named."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from workwire.access import features, queries, sight
from workwire.kernel.actor import Actor
from workwire.web.administration.editing import LEVELS
from workwire.web.kit.parts import Link, Words

if TYPE_CHECKING:
    from workwire.access.models import DataPermission

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Permitted:
    """A data permission: the kind of object, what it is called, and by which group."""

    level: str
    kind: Words
    name: str
    target: UUID
    group: Link


def permitted(permissions: QuerySet[DataPermission], actor: Actor) -> tuple[tuple[Permitted, ...], int]:
    """The permissions on objects the actor sees, and how many others there are."""
    found = list(permissions[:MOST_SHOWN])
    by_level: dict[str, set[int]] = defaultdict(set)
    for one in found:
        level, pk = _place(one)
        by_level[level].add(pk)
    seen = {
        (level, pk)
        for level, pks in by_level.items()
        for pk in sight.kind(level).visible(actor).filter(pk__in=pks).order_by().values_list("pk", flat=True)
    }
    may_open = actor.has(features.GROUPS)
    shown = [_shown(one, may_open) for one in found if _place(one) in seen]
    return tuple(shown), len(found) - len(shown)


def _place(one: DataPermission) -> tuple[str, int]:
    level = queries.level_of(one)
    return level, getattr(one, f"{level}_id")


def _shown(one: DataPermission, may_open: bool) -> Permitted:
    level = queries.level_of(one)
    target = getattr(one, level)
    address = reverse("group", args=[one.group.guid]) if may_open else ""
    return Permitted(level, LEVELS[level], sight.kind(level).called(target), target.guid, Link(one.group.name, address))
