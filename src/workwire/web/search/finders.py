"""What a search finds, kind by kind: each finder asks one query, as the actor, and gives a few records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access.policy import may_explore
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.outbox.registry import webhooks as hooks
from workwire.reactions.webhooks import explorer
from workwire.reactions.webhooks import queries as webhooks
from workwire.reactions.webhooks.models import Delivery
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import lists
from workwire.rooms.work import queries as work
from workwire.web.kit import ledger_parts
from workwire.web.kit.parts import Link, State, address
from workwire.web.webhooks import delivery_parts
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
    """The records of one kind, and where all of them are listed when there are, or may be, more."""

    words: Words
    found: tuple[Found, ...]
    more: Link | None = None


def find(text: str, actor: Actor) -> tuple[Group, ...]:
    """The records an actor may see that a text stands for, kind by kind; kinds of which there is nothing are left out."""
    guid = parse_guid(text)
    groups = (finder(text, guid, actor) for finder in _FINDERS)
    return tuple(group for group in groups if group.found or group.more)


def _items(text: str, guid: UUID | None, actor: Actor) -> Group:
    items = work.items_visible_to(actor)
    found = items.filter(guid=guid) if guid else lists.newest_found(text, items, SHOWN + 1)
    newest = list(found.order_by("-pk"))
    exact = next((item for item in newest if guid is not None or item.reference == text.upper()), None)
    shown = [exact, *(item for item in newest if item != exact)] if exact else newest
    return Group(
        gettext_lazy("Work"),
        tuple(_item(item, item == exact) for item in shown[:SHOWN]),
        _more_work(text, is_cut=len(shown) > SHOWN, is_named=exact is not None),
    )


def _more_work(text: str, *, is_cut: bool, is_named: bool) -> Link | None:
    """The list of all work that has a text, where more was found than is shown, or older titles were not looked through."""
    all_of_it = address(reverse("work"), {"view": "all", "text": text})
    if is_cut:
        return Link(_("All work that has this"), all_of_it)
    if is_named or lists.are_all_looked_through():
        return None
    newest = number_format(lists.LOOKED_THROUGH, force_grouping=True)
    words = _("Only the newest %(count)s titles were looked through: look through all of them")
    return Link(words % {"count": newest}, all_of_it)


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


def _subscriptions(text: str, guid: UUID | None, actor: Actor) -> Group:
    if not webhooks.may_see_own(actor):
        return Group(gettext_lazy("Subscriptions"), ())
    matching = Q(guid=guid) if guid else webhooks.subscriptions_matching(text)
    found = webhooks.subscriptions_of(actor).filter(matching).order_by("-pk")
    shown = tuple(
        Found(
            icon="webhook",
            words=delivery_parts.name_of(one),
            address=reverse("subscription", args=[one.guid]),
            detail=hooks()[one.webhook].name,
            is_exact=guid is not None,
        )
        for one in found[: SHOWN + 1]
    )
    more = Link(gettext_lazy("All subscriptions"), reverse("subscriptions")) if len(shown) > SHOWN else None
    return Group(gettext_lazy("Subscriptions"), shown[:SHOWN], more)


def _deliveries(_text: str, guid: UUID | None, actor: Actor) -> Group:
    """A delivery has no name but its GUID."""
    found = webhooks.deliveries_visible_to(actor).filter(guid=guid) if guid else ()
    return Group(gettext_lazy("Deliveries"), tuple(_delivery(one) for one in found))


def _delivery(delivery: Delivery) -> Found:
    told, state = delivery_parts.about(delivery), delivery_parts.state_of(delivery, clock.now())
    return Found(
        icon=state.icon,
        words=told.title,
        address=delivery_parts.address_of(delivery),
        name=told.reference,
        detail=delivery_parts.name_of(delivery.subscription),
        state=state,
        is_exact=True,
    )


def _events(_text: str, guid: UUID | None, actor: Actor) -> Group:
    """An event has no name but its GUID."""
    found = explorer.events(actor).filter(guid=guid) if guid and may_explore(actor) else ()
    shown = tuple(
        Found("history", row.kind, row.address, name=row.reference, detail=row.title, is_exact=True)
        for row in ledger_parts.rows(list(found))
    )
    return Group(gettext_lazy("Events"), shown)


_FINDERS: tuple[Callable[[str, UUID | None, Actor], Group], ...] = (
    _items,
    _contacts,
    _customers,
    _subscriptions,
    _deliveries,
    _events,
)
