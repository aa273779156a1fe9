"""The pages that repair and explain a subscription: what stands at the head of each, how they lead to each other and to what
the owner may do and see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import rights
from workwire.reactions.webhooks.explorer import Event
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.parts import Link, address
from workwire.web.webhooks.delivery_parts import name_of

if TYPE_CHECKING:
    from workwire.access.models import User

_SIGHT_OF = {
    ObjectType.COMPANY: "company",
    ObjectType.CONTRACT: "contract",
    ObjectType.SERVICE: "service",
    ObjectType.SCHEDULE: "schedule",
}  # all others lie in a work item
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


def why_address(of: Subscription, code: str, event: Event | None, *, by: Actor) -> str:
    """Where it is said why the owner lacks what a check asks for: the rules of its sight, or its account; empty for who may
    not look there."""
    may_see_sight = by.has(features.USERS) or by.has(features.GROUPS)
    if code == rights.FILTER_INVISIBLE and of.filter_guid is not None and may_see_sight:
        return _sight(of.owner, ObjectType(of.filter_type), str(of.filter_guid))
    if code == rights.RECORD_INVISIBLE and event is not None and may_see_sight:
        return sight_of_record(of.owner, event)
    of_account = code in (rights.OWNER_INACTIVE, rights.ROLE_MISSING, rights.CREDENTIAL_INVALID)
    return reverse("account", args=[of.owner.guid]) if of_account and by.has(features.USERS) else ""


def sight_of_record(owner: User, event: Event) -> str:
    """The address that says why an account may see the record of an event, or may not."""
    kind = ObjectType(event.record_type)
    lies_in_item = kind not in _SIGHT_OF and event.work_item_guid is not None
    return _sight(owner, kind, str(event.work_item_guid if lies_in_item else event.record_guid))


def _sight(owner: User, kind: ObjectType, record: str) -> str:
    given = {"kind": _SIGHT_OF.get(kind, "work_item"), "record": record}
    return address(reverse("account-sight", args=[owner.guid]), given)
