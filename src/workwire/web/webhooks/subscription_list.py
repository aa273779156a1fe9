"""The list of subscriptions one may see: how each is, what it is for, where it sends, how its last day went and what waits."""

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
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import queries, subscription_health, subscription_objects, subscription_overview
from workwire.reactions.webhooks.models import Subscription
from workwire.reactions.webhooks.subscription_overview import NEWEST, ORDERS, LastDay
from workwire.web.kit.account_people import person_of
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Column, Empty, Link, Pager, Person, State, address, brief
from workwire.web.kit.time_charts import Spark, spark
from workwire.web.webhooks.delivery_parts import name_of
from workwire.web.webhooks.subscription_parts import CONDITIONS, object_of

MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription in the list; `lag` is how long the oldest message that is due has been waiting, empty for none."""

    address: str
    condition: State
    name: str
    url: str
    webhook: str
    of: str
    owner: Person
    last_day: Spark
    share: str
    waiting: str
    lag: str


@dataclass(frozen=True, slots=True)
class SubscriptionList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    count: str
    kinds: tuple[Link, ...]
    columns: Mapping[str, Column]
    rows: tuple[SubscriptionRow, ...]
    pager: Pager
    empty: Empty


@page("webhooks/subscriptions.html")
def subscriptions(visit: Visit) -> SubscriptionList:
    """The list, of all conditions or of one."""
    require(visit.actor, features.WEBHOOKS)
    asked = visit.request.GET.get("condition", "")
    given = {"condition": asked if asked in CONDITIONS else "", "sort": visit.request.GET.get("sort", "")}
    condition, order = given["condition"], given["sort"] if given["sort"] in ORDERS else NEWEST
    here = reverse("subscriptions")
    found = queries.subscriptions_of(visit.actor)
    if condition:
        found = found.filter(subscription_health.CONDITIONS[condition])
    part = part_of(
        visit,
        lambda cursor: subscription_overview.page(found, order, cursor=cursor),
        address(here, given),
    )
    names = subscription_objects.names_of(part.rows, by=visit.actor)
    count, now = found.order_by()[: MOST_COUNTED + 1].count(), clock.now()
    days = subscription_overview.last_days(part.rows, now)
    return SubscriptionList(
        crumbs=(Link(_("Webhooks")), Link(_("Subscriptions"), is_here=True)),
        zone=visit.look.zone_name,
        count=_counted(count),
        kinds=(
            Link(_("All"), address(here, given, condition=None), not condition),
            *(
                Link(one.words, address(here, given, condition=name), name == condition)
                for name, one in CONDITIONS.items()
            ),
        ),
        columns=_columns(here, given, order),
        rows=tuple(_row(one, days[one.pk], names, now) for one in part.rows),
        pager=part.pager,
        empty=_empty(condition),
    )


def _columns(here: str, given: Mapping[str, str], order: str) -> dict[str, Column]:
    """The heads that sort, each by the end that people look for; once more leads back to the newest."""
    heads = {
        "health": (_("Health"), "state-cell", "asc"),
        "name": (_("Sends to"), "", "asc"),
        "waiting": (_("Waiting"), "number waiting-cell", "desc"),
        "lag": (_("Oldest due"), "due-cell number", "desc"),
    }
    return {
        name: Column(
            words,
            place,
            sort=address(here, given, sort=None if order == name else name),
            direction=direction if order == name else "",
        )
        for name, (words, place, direction) in heads.items()
    }


def _row(subscription: Subscription, day: LastDay, names: Mapping[UUID, str], now: datetime) -> SubscriptionRow:
    waiting, oldest = getattr(subscription, "waiting", 0), getattr(subscription, "oldest_due", None)
    return SubscriptionRow(
        address=reverse("subscription", args=[subscription.guid]),
        condition=CONDITIONS[subscription_health.condition(subscription)],
        name=name_of(subscription),
        url=subscription.url,
        webhook=webhooks()[subscription.webhook].name,
        of=str(object_of(subscription, names)),
        owner=person_of(subscription.owner),
        last_day=spark(_day(day), day.shares),
        share=f"{number_format(100 * day.taken // day.tried)} %" if day.tried else "–",
        waiting=_waiting(waiting),
        lag=brief(now - oldest) if oldest is not None and oldest <= now else "",
    )


def _day(day: LastDay) -> str:
    """The spark in words; all of a day, or of the newest messages where there were more."""
    taken, tried = number_format(day.taken, force_grouping=True), number_format(day.tried, force_grouping=True)
    if not day.tried:
        return _("Nothing was tried in the last 24 hours")
    if day.tried < subscription_overview.MOST_NEWEST:
        words = _("Last 24 hours: %(taken)s of %(tried)s messages taken")
    else:
        words = _("Last 24 hours: %(taken)s of the newest %(tried)s messages taken")
    return words % {"taken": taken, "tried": tried}


def _waiting(count: int) -> str:
    most = subscription_overview.MOST_WAITING
    if count < most:
        return number_format(count) if count else ""
    return _("%(count)s or more") % {"count": number_format(most, force_grouping=True)}


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
