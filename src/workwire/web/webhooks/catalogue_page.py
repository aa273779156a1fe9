"""The catalogue: every webhook there is, when it fires, what it can be narrowed to, and what its message holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.errors import not_found
from workwire.reactions.webhooks import catalogue, log
from workwire.reactions.webhooks.log import Wish
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link
from workwire.web.webhooks.delivery_parts import About, about, address_of

NEWEST = 5


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a message, which may lie inside another one."""

    name: str
    depth: int
    kind: str
    may_be_null: bool


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook in the list."""

    number: int
    name: str
    fires_when: str
    filters: str
    address: str


@dataclass(frozen=True, slots=True)
class Recent:
    """A message of this kind that was written not long ago."""

    about: About
    address: str


@dataclass(frozen=True, slots=True)
class HookList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    hooks: tuple[Hook, ...]


@dataclass(frozen=True, slots=True)
class HookPage:
    """What the page of a webhook shows."""

    crumbs: tuple[Link, ...]
    hook: Hook
    description: str
    other_names: tuple[str, ...]
    keys: tuple[Key, ...]
    schema: str
    sample: str
    recent: tuple[Recent, ...]
    log: str


@page("webhooks/catalogue.html")
def hooks(visit: Visit) -> HookList:
    """All webhooks."""
    require(visit.actor, features.WEBHOOKS)
    crumbs = Link(_("Webhooks")), Link(_("Catalogue"), is_here=True)
    return HookList(crumbs, tuple(_hook(entry) for entry in catalogue.entries()))


@page("webhooks/catalogue_entry.html")
def hook(visit: Visit, name: str) -> HookPage:
    """One webhook, by its name, another name or its number."""
    require(visit.actor, features.WEBHOOKS)
    found = catalogue.by_name_or_number(name)
    if found is None:
        raise not_found("webhook")
    entry = next(one for one in catalogue.entries() if one["number"] == found.number)
    newest = log.page(visit.actor, Wish(webhook=found.number), limit=NEWEST).rows
    return HookPage(
        crumbs=(Link(_("Catalogue"), reverse("catalogue")), Link(found.name, is_here=True)),
        hook=_hook(entry),
        description=entry["description"],
        other_names=tuple(entry["other_names"]),
        keys=tuple(_keys(entry["schema"], entry["schema"].get("$defs", {}))),
        schema=_json(entry["schema"]),
        sample=_json(entry["sample"]),
        recent=tuple(Recent(about(one), address_of(one)) for one in newest),
        log=f"{reverse('deliveries')}?webhook={found.name}",
    )


def _hook(entry: Mapping[str, Any]) -> Hook:
    filters = ", ".join(one["type"] for one in entry["filters"])
    return Hook(entry["number"], entry["name"], entry["fires_when"], filters, reverse("webhook", args=[entry["name"]]))


def _keys(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int = 0) -> Iterator[Key]:
    """The keys of a schema, those inside another one after it."""
    for name, said in schema.get("properties", {}).items():
        kinds = [_resolved(one, known) for one in said.get("anyOf", [said])]
        named = [one for one in kinds if one.get("type") != "null"]
        words = " | ".join(dict.fromkeys(one.get("type", "any") for one in named))
        yield Key(name, depth, words, len(named) < len(kinds))
        for inner in named:
            yield from _keys(inner, known, depth + 1)


def _resolved(said: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = known.get(said.get("$ref", "").removeprefix("#/$defs/"), said)
    return found


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
