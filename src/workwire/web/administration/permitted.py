"""Data permissions as pages show them: what the reader may not see is counted, not named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from workwire.access import features, queries
from workwire.kernel.actor import Actor
from workwire.rooms.offering import queries as offering
from workwire.rooms.parties import queries as parties
from workwire.web.administration.editing import LEVELS
from workwire.web.kit.parts import Link, Words

if TYPE_CHECKING:
    from workwire.access.models import DataPermission

MOST_SHOWN = 200
FINDERS: dict[str, Callable[..., Any]] = {
    "company": parties.company,
    "contract": parties.contract,
    "service": parties.service,
    "process": offering.process,
}
_VISIBLE: dict[str, Callable[[Actor], Any]] = {
    "company": parties.companies_visible_to,
    "contract": parties.contracts_visible_to,
    "service": parties.services_visible_to,
    "process": offering.processes_visible_to,
}


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
        by_level[_level(one)].add(getattr(one, f"{_level(one)}_id"))
    seen = {
        level: set(_VISIBLE[level](actor).filter(pk__in=pks).order_by().values_list("pk", flat=True))
        for level, pks in by_level.items()
    }
    shown = [one for one in found if getattr(one, f"{_level(one)}_id") in seen[_level(one)]]
    may_open = actor.has(features.GROUPS)
    return tuple(_shown(one, may_open) for one in shown), len(found) - len(shown)


def _level(one: DataPermission) -> str:
    return next(level for level in queries.LEVELS if getattr(one, f"{level}_id") is not None)


def _shown(one: DataPermission, may_open: bool) -> Permitted:
    level = _level(one)
    target = getattr(one, level)
    name = target.work_type.name if level == "process" else target.name
    address = reverse("group", args=[one.group.guid]) if may_open else ""
    return Permitted(level, LEVELS[level], name, target.guid, Link(one.group.name, address))
