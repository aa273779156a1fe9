"""The list of subscriptions one may see: how each is, what it is for, where it sends, and its newest message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.pages import page as newest_page
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import queries, subscription_health, subscription_objects
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, Person, State, address
from workwire.web.webhooks.delivery_parts import name_of, state_of
from workwire.web.webhooks.subscription_parts import CONDITIONS, object_of

MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription in the list; `newest` is where its newest message stands."""

    address: str
    condition: State
    name: str
    url: str
    webhook: str
    of: str
    owner: Person
    newest: State | None
    newest_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubscriptionList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    count: str
    kinds: tuple[Link, ...]
    rows: tuple[SubscriptionRow, ...]
    pager: Pager
    empty: Empty


@page("webhooks/subscriptions.html")
def subscriptions(visit: Visit) -> SubscriptionList:
    """The list, of all conditions or of one."""
    require(visit.actor, features.WEBHOOKS)
    asked = visit.request.GET.get("condition", "")
    condition = asked if asked in CONDITIONS else ""
    here = reverse("subscriptions")
    found = queries.subscriptions_of(visit.actor)
    if condition:
        found = found.filter(subscription_health.CONDITIONS[condition])
    part = part_of(visit, lambda cursor: newest_page(found, cursor=cursor), address(here, {"condition": condition}))
    names = subscription_objects.names_of(part.rows, by=visit.actor)
    newest = {one.subscription_id: one for one in queries.newest_deliveries(part.rows)}
    count, now = found.order_by()[: MOST_COUNTED + 1].count(), clock.now()
    return SubscriptionList(
        crumbs=(Link(_("Webhooks")), Link(_("Subscriptions"), is_here=True)),
        zone=visit.look.zone_name,
        count=_counted(count),
        kinds=(
            Link(_("All"), here, not condition),
            *(
                Link(one.words, address(here, {"condition": name}), name == condition)
                for name, one in CONDITIONS.items()
            ),
        ),
        rows=tuple(_row(one, newest.get(one.pk), names, now) for one in part.rows),
        pager=part.pager,
        empty=_empty(condition),
    )


def _row(
    subscription: Subscription, newest: Delivery | None, names: Mapping[UUID, str], now: datetime
) -> SubscriptionRow:
    return SubscriptionRow(
        address=reverse("subscription", args=[subscription.guid]),
        condition=CONDITIONS[subscription_health.condition(subscription)],
        name=name_of(subscription),
        url=subscription.url,
        webhook=webhooks()[subscription.webhook].name,
        of=str(object_of(subscription, names)),
        owner=Person.of(subscription.owner.full_name),
        newest=state_of(newest, now) if newest is not None else None,
        newest_at=newest.created_at if newest is not None else None,
    )


def _counted(count: int) -> str:
    if count > MOST_COUNTED:
        return _("more than %(count)s subscriptions") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    words = ngettext("%(count)s subscription", "%(count)s subscriptions", count)
    return words % {"count": number_format(count, force_grouping=True)}


def _empty(condition: str) -> Empty:
    if condition:
        step = Link(_("See all"), reverse("subscriptions"))
        return Empty("webhook", _("Nothing here"), _("No subscription is like that at the moment."), step)
    return Empty(
        "webhook",
        _("Nobody is told anything yet"),
        _("A subscription tells another system what happens here; each of yours appears in this list."),
        Link(_("Subscribe"), reverse("subscribe")),
    )
