"""Which deliveries an address asks for, a list of them or an export: beside record and time by state, subscription and
webhook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import catalogue, log, queries
from workwire.reactions.webhooks.models import State, Subscription
from workwire.web.kit.list_filters import ListFilterForm, ListFilters, given_in
from workwire.web.kit.parts import Chip
from workwire.web.webhooks.delivery_parts import name_of

STATES = {
    "waiting": (State.DUE, gettext_lazy("Waiting")),
    "sending": (State.SENDING, gettext_lazy("Under way")),
    "delivered": (State.DELIVERED, gettext_lazy("Delivered")),
    "withheld": (State.WITHHELD, gettext_lazy("Withheld")),
    "gave-up": (State.GAVE_UP, gettext_lazy("Gave up")),
    "cancelled": (State.CANCELLED, gettext_lazy("Cancelled")),
}
MOST_OFFERED = 200  # subscriptions in the form


@dataclass(frozen=True, slots=True)
class DeliveryFilters(ListFilters):
    """The filters of the list of deliveries."""

    subscription: Subscription | None

    def wish(self, actor: Actor) -> log.Wish:
        """What to ask the log for."""
        hook = catalogue.by_name_or_number(self.given["webhook"]) if "webhook" in self.given else None
        return log.Wish(
            subscription_guid=self.subscription.guid if self.subscription is not None else None,
            state=STATES[self.given["state"]][0] if "state" in self.given else None,
            webhook=hook.number if hook is not None else None,
            record_guid=self.record(actor),
            since=self.since,
            until=self.until,
        )

    def chips(self) -> tuple[Chip, ...]:
        """A chip for each filter that is on, but for the state, which has segments."""
        subscription = name_of(self.subscription) if self.subscription is not None else ""
        return self.chips_beside(
            {
                "subscription": (_("Subscription"), subscription),
                "webhook": (_("Webhook"), self.given.get("webhook", "")),
            }
        )


class DeliveryFilterForm(ListFilterForm):
    """The filters that are no segments."""

    subscription = forms.ChoiceField(label=gettext_lazy("Subscription"), required=False)
    webhook = forms.ChoiceField(label=gettext_lazy("Webhook"), required=False)

    def __init__(self, filters: DeliveryFilters, subscriptions: Sequence[Subscription]) -> None:
        super().__init__(filters)
        offered = {str(one.guid): name_of(one) for one in subscriptions[:MOST_OFFERED]}
        if filters.subscription is not None:
            offered.setdefault(str(filters.subscription.guid), name_of(filters.subscription))
        names = [hook.name for hook in webhooks().values()]
        self.offer("subscription", [("", _("All")), *offered.items()])
        self.offer("webhook", [("", _("All")), *((name, name) for name in names)])


def read(sent: QueryDict, actor: Actor) -> DeliveryFilters:
    """The filters of a query; what is not known counts as not given. Raises NotFound for a subscription that may not be
    seen."""
    given = {name: sent.get(name, "").strip() for name in ("state", "subscription", "webhook")}
    hook = catalogue.by_name_or_number(given["webhook"]) if given["webhook"] else None
    wanted = parse_guid(given["subscription"])
    subscription = queries.subscription(wanted, by=actor) if wanted is not None else None
    own = {
        "state": given["state"] if given["state"] in STATES else "",
        "subscription": str(subscription.guid) if subscription is not None else "",
        "webhook": hook.name if hook is not None else "",
    }
    return DeliveryFilters(reverse("deliveries"), given_in(sent, own), subscription)
