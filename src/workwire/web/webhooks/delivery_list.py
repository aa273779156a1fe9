"""The list of deliveries: of all subscriptions one may see, or of one; narrowed, page by page, told of newer ones."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock, pages
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.reactions.webhooks import log, queries
from workwire.reactions.webhooks.log import Wish
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Chip, Empty, Link, Pager
from workwire.web.webhooks import delivery_filters
from workwire.web.webhooks.delivery_export import MOST_LINES
from workwire.web.webhooks.delivery_filters import MOST_OFFERED, STATES, DeliveryFilterForm, DeliveryFilters
from workwire.web.webhooks.delivery_parts import Row, row

MOST_COUNTED = 1000
MOST_NEW = 100


@dataclass(frozen=True, slots=True)
class News:
    """What was written since a list was shown: how much, and the address that shows it."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class DeliveryTable:
    """A page of the log with all that stands around it."""

    filters: DeliveryFilters
    kinds: tuple[Link, ...]
    chips: tuple[Chip, ...]
    form: DeliveryFilterForm
    count: str
    rows: tuple[Row, ...]
    pager: Pager
    poll: str
    most_exported: str
    empty: Empty


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    zone: str
    log: DeliveryTable


@page("webhooks/deliveries.html")
def deliveries(visit: Visit) -> DeliveryList | News | HttpResponse:
    """The log as its address asks; for htmx that asks what is new, nothing (204) or how much that is."""
    require(visit.actor, features.WEBHOOKS)
    filters = delivery_filters.read(visit.request.GET, visit.actor)
    if visit.request.headers.get("HX-Target") == "news":
        return news(filters, visit)
    return DeliveryList(
        crumbs=(Link(_("Webhooks")), Link(_("Deliveries"), is_here=True)),
        zone=visit.look.zone_name,
        log=table(filters, visit),
    )


def news(filters: DeliveryFilters, visit: Visit) -> News | HttpResponse:
    """How much was written behind the place that the address names."""
    try:
        above = pages.place_of(visit.request.GET.get("above", ""))
    except Invalid:
        return HttpResponse(status=204)
    wish = filters.wish(visit.actor)
    count = log.count(visit.actor, wish, most=MOST_NEW, above=above)
    if not count:
        return HttpResponse(status=204)
    words = ngettext("%(count)s new delivery, show", "%(count)s new deliveries, show", count)
    shown = f"{MOST_NEW}+" if count > MOST_NEW else str(count)
    return News(words % {"count": shown}, filters.address())


def table(filters: DeliveryFilters, visit: Visit) -> DeliveryTable:
    """The part of the log that filters and the cursor ask for."""
    actor, wish, now = visit.actor, filters.wish(visit.actor), clock.now()
    part = part_of(visit, lambda cursor: log.page(actor, wish, cursor=cursor), filters.address())
    last = queries.last_attempts(part.rows)
    offered = list(queries.subscriptions_of(actor).order_by("-pk")[:MOST_OFFERED])
    newest = 0 if part.cursor else max((one.pk for one in part.rows), default=0)
    return DeliveryTable(
        filters=filters,
        kinds=_kinds(filters),
        chips=filters.chips(),
        form=DeliveryFilterForm(filters, offered),
        count=counted(actor, wish),
        rows=tuple(row(one, last.get(one.pk), now) for one in part.rows),
        pager=part.pager,
        poll="" if part.cursor else filters.address(above=pages.cursor_at(newest)),
        most_exported=number_format(MOST_LINES, force_grouping=True),
        empty=_empty(filters, has_subscriptions=bool(offered)),
    )


def counted(actor: Actor, wish: Wish) -> str:
    """How many deliveries there are, exact up to a thousand."""
    count = log.count(actor, wish, most=MOST_COUNTED)
    if count > MOST_COUNTED:
        return _("more than %(count)s deliveries") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    words = ngettext("%(count)s delivery", "%(count)s deliveries", count)
    return words % {"count": number_format(count, force_grouping=True)}


def _kinds(filters: DeliveryFilters) -> tuple[Link, ...]:
    chosen = filters.given.get("state", "")
    everything = Link(_("All"), filters.address(state=None), not chosen)
    return everything, *(
        Link(words, filters.address(state=name), name == chosen) for name, (_state, words) in STATES.items()
    )


def _empty(filters: DeliveryFilters, *, has_subscriptions: bool) -> Empty:
    if filters.is_narrow:
        bare = reverse("deliveries")
        return Empty(
            "send", _("Nothing here"), _("No delivery fits these filters."), Link(_("Take the filters off"), bare)
        )
    if has_subscriptions:
        return Empty("send", _("Nothing was sent yet"), _("What happens from now on appears here, message by message."))
    return Empty("webhook", _("Nobody is told anything yet"), _("A subscription sends messages; each appears here."))
