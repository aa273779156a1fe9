"""What a search finds, kind by kind: each finder asks one query, as the actor, and gives a few records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import lists
from workwire.rooms.work import queries as work
from workwire.web.kit.parts import Link, State, address
from workwire.web.work import item_parts

SHOWN = 8  # of a kind
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Found:
    """One record that was found; an exact one has the reference or the GUID that was asked for."""

    icon: str
    words: Words
    address: str
    name: str = ""
    detail: Words = ""
    state: State | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one kind, and where all of them are listed when there are more."""

    words: Words
    found: tuple[Found, ...]
    more: Link | None = None


def find(text: str, actor: Actor) -> tuple[Group, ...]:
    """The records an actor may see that a text stands for, kind by kind; kinds of which there is nothing are left out."""
    guid = _guid(text)
    groups = (finder(text, guid, actor) for finder in _FINDERS)
    return tuple(group for group in groups if group.found)


def _items(text: str, guid: UUID | None, actor: Actor) -> Group:
    items = work.items_visible_to(actor)
    found = items.filter(guid=guid) if guid else lists.narrowed(items, lists.Wanted(text=text))
    first = list(found.order_by("-pk")[: SHOWN + 1])
    exact = next((item for item in first if item.reference == text.upper()), None)
    if (
        exact is None and guid is None and len(first) > SHOWN
    ):  # an old one may stand behind newer titles that hold its number
        exact = items.filter(reference=text.upper()).first()
    shown = [exact, *(item for item in first if item != exact)] if exact else first
    list_of_all = address(reverse("work"), {"view": "all", "text": text})
    more = Link(_("All work that has this"), list_of_all) if len(first) > SHOWN else None
    return Group(
        gettext_lazy("Work"), tuple(_item(item, item == exact or guid is not None) for item in shown[:SHOWN]), more
    )


def _item(item: work.WorkItem, is_exact: bool) -> Found:
    state = item_parts.state_of(item)
    return Found(
        icon=state.icon,
        words=item.title or gettext_lazy("(no title)"),
        address=item_parts.address_of(item),
        name=item.reference or "",
        detail=item.customer.name,
        state=state,
        is_exact=is_exact,
    )


def _contacts(text: str, guid: UUID | None, actor: Actor) -> Group:
    contacts = parties.contacts_visible_to(actor)
    found = contacts.filter(Q(guid=guid) if guid else parties.contacts_matching(text))
    shown = tuple(
        Found(
            icon="user",
            words=contact.full_name,
            address=address(reverse("work"), {"view": "all", "contact": str(contact.guid)}),
            detail=contact.company.name if contact.company else contact.email,
            is_exact=guid is not None,
        )
        for contact in found.order_by("surname", "first_name", "pk")[:SHOWN]
    )
    return Group(gettext_lazy("Contacts"), shown)


def _customers(text: str, guid: UUID | None, actor: Actor) -> Group:
    found = parties.companies_visible_to(actor).filter(Q(guid=guid) if guid else parties.companies_matching(text))
    shown = tuple(
        Found(
            icon="building-2",
            words=company.name,
            address=address(reverse("work"), {"view": "all", "customer": str(company.guid)}),
            is_exact=guid is not None,
        )
        for company in found.order_by("name", "pk")[:SHOWN]
    )
    return Group(gettext_lazy("Companies"), shown)


_FINDERS: tuple[Callable[[str, UUID | None, Actor], Group], ...] = (_items, _contacts, _customers)


def _guid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
