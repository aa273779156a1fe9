"""The catalogue: every webhook there is, when it fires, what it can be narrowed to, and what its message holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import features
from workwire.access.policy import may_explore, require
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.outbox.event_pages import Wanted
from workwire.outbox.registry import Webhook, names_told_as
from workwire.reactions.webhooks import catalogue, explorer
from workwire.web.kit.ledger_parts import EventRow, rows
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, address

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
    """What happened not long ago that this webhook tells: events that the reader may see; `log` leads to all of them."""

    rows: tuple[EventRow, ...]
    log: str


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
    recent: Recent | None
    deliveries: str


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
    return HookPage(
        crumbs=(Link(_("Catalogue"), reverse("catalogue")), Link(found.name, is_here=True)),
        hook=_hook(entry),
        description=entry["description"],
        other_names=tuple(entry["other_names"]),
        keys=tuple(_keys(entry["schema"], entry["schema"].get("$defs", {}))),
        schema=_json(entry["schema"]),
        sample=_json(entry["sample"]),
        recent=_recent(found, visit.actor) if may_explore(visit.actor) else None,
        deliveries=f"{reverse('deliveries')}?webhook={found.name}",
    )


def _recent(told: Webhook, actor: Actor) -> Recent:
    """The newest events of a kind; the list of events narrows to one kind only, and otherwise shows all."""
    names = names_told_as(told)
    newest = explorer.page(Wanted(names=names), by=actor, limit=NEWEST).rows
    only = names[0] if len(names) == 1 else None
    return Recent(rows(newest), address(reverse("events"), {}, kind=only))


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
