"""The pages that repair and explain a subscription: what stands at the head of each, and how they lead to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.parts import Link, address
from workwire.web.webhooks.delivery_parts import name_of

_PAGES = (
    ("subscription-replays", gettext_lazy("Replay")),
    ("subscription-explain", gettext_lazy("Explain")),
    ("subscription-reconcile", gettext_lazy("Reconcile")),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The subscription, and the pages beside the present one."""

    crumbs: tuple[Link, ...]
    tabs: tuple[Link, ...]
    name: str
    url: str
    webhook: str
    subscription: str
    here: str


def head(of: Subscription, here: str) -> Head:
    """The head of the page with the name `here`."""
    name = name_of(of)
    shown = next(words for page, words in _PAGES if page == here)
    own = reverse("subscription", args=[of.guid])
    return Head(
        crumbs=(Link(_("Subscriptions"), reverse("subscriptions")), Link(name, own), Link(shown, is_here=True)),
        tabs=tuple(Link(words, reverse(page, args=[of.guid]), page == here) for page, words in _PAGES),
        name=name,
        url=of.url,
        webhook=webhooks()[of.webhook].name,
        subscription=own,
        here=reverse(here, args=[of.guid]),
    )


def replay_address(of: Subscription, given: Mapping[str, str]) -> str:
    """The address of the form of a replay with values filled in."""
    return address(reverse("subscription-replays", args=[of.guid]), given)


def explain_address(of: Subscription, about: object) -> str:
    """The address that explains a record, an event or a delivery."""
    return address(reverse("subscription-explain", args=[of.guid]), {"about": str(about)})
