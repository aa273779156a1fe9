"""Records that have no text to look through: companies, subscriptions, deliveries and events, by name or GUID. Each finder
asks one query, as the actor, and gives a few."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
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
from workwire.web.kit import ledger_parts
from workwire.web.kit.parts import Link, address
from workwire.web.search.hits import SHOWN, FoundLine, Group, plain
from workwire.web.webhooks import delivery_parts


def find(text: str, actor: Actor) -> tuple[Group, ...]:
    """The records an actor may see that a text names, kind by kind; kinds of which there is nothing are left out."""
    guid = parse_guid(text)
    groups = (finder(text, guid, actor) for finder in _FINDERS)
    return tuple(group for group in groups if group.found)


def _customers(text: str, guid: UUID | None, actor: Actor) -> Group:
    found = parties.companies_visible_to(actor).filter(Q(guid=guid) if guid else parties.companies_matching(text))
    shown = tuple(
        FoundLine(
            icon="building-2",
            title=plain(company.name),
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
        FoundLine(
            icon="webhook",
            title=plain(delivery_parts.name_of(one)),
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


def _delivery(delivery: Delivery) -> FoundLine:
    told, state = delivery_parts.about(delivery), delivery_parts.state_of(delivery, clock.now())
    return FoundLine(
        icon=state.icon,
        title=plain(told.title),
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
        FoundLine("history", plain(row.kind), row.address, name=row.reference, detail=row.title, is_exact=True)
        for row in ledger_parts.rows(list(found))
    )
    return Group(gettext_lazy("Events"), shown)


_FINDERS: tuple[Callable[[str, UUID | None, Actor], Group], ...] = (
    _customers,
    _subscriptions,
    _deliveries,
    _events,
)
