"""Which deliveries an address asks for: the filters of the list and of its exports, as chips and as a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import catalogue, log, queries
from workwire.reactions.webhooks.models import State, Subscription
from workwire.web.kit.parts import Chip, Words, address
from workwire.web.kit.time_filters import AGES, as_shown, as_written, moment_of
from workwire.web.webhooks.delivery_parts import name_of
from workwire.web.webhooks.repair_parts import guid_of, record_named

STATES = {
    "waiting": (State.DUE, gettext_lazy("Waiting")),
    "sending": (State.SENDING, gettext_lazy("Under way")),
    "delivered": (State.DELIVERED, gettext_lazy("Delivered")),
    "withheld": (State.WITHHELD, gettext_lazy("Withheld")),
    "gave-up": (State.GAVE_UP, gettext_lazy("Gave up")),
    "cancelled": (State.CANCELLED, gettext_lazy("Cancelled")),
}
MOST_OFFERED = 200  # subscriptions in the form
_LONGEST_RECORD = 64
_NAMES = ("state", "subscription", "webhook", "record", "since", "from", "until")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of an address that mean something, each as it is written there, empty for none."""

    given: dict[str, str]
    cursor: str = ""
    subscription: Subscription | None = None
    moments: dict[str, datetime] = field(default_factory=dict)

    def address(self, **changes: str | None) -> str:
        """The address of the list with something else; it begins anew unless a cursor is given."""
        return address(reverse("deliveries"), self.given, **changes)

    @property
    def is_narrow(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.given)


class FilterForm(forms.Form):
    """The filters that are no segments."""

    subscription = forms.ChoiceField(label=gettext_lazy("Subscription"), required=False)
    webhook = forms.ChoiceField(label=gettext_lazy("Webhook"), required=False)
    record = forms.CharField(
        label=gettext_lazy("Record"),
        required=False,
        max_length=_LONGEST_RECORD,
        help_text=gettext_lazy("Reference or GUID"),
    )
    since = forms.ChoiceField(label=gettext_lazy("Since"), required=False)

    def __init__(self, filters: Filters, subscriptions: Sequence[Subscription]) -> None:
        super().__init__(initial=filters.given, auto_id="filter_%s")
        everything = ("", _("All"))
        offered = {str(one.guid): name_of(one) for one in subscriptions[:MOST_OFFERED]}
        if filters.subscription is not None:
            offered.setdefault(str(filters.subscription.guid), name_of(filters.subscription))
        names = [hook.name for hook in webhooks().values()]
        self._offer("subscription", [everything, *offered.items()])
        self._offer("webhook", [everything, *((name, name) for name in names)])
        self._offer("since", [("", _("Any time")), *((name, words) for name, (_ago, words) in AGES.items())])

    def _offer(self, name: str, choices: list[tuple[str, Words]]) -> None:
        chosen: Any = self.fields[name]
        chosen.choices = choices


def read(sent: QueryDict, actor: Actor) -> Filters:
    """The filters of a query; what is not known counts as not given. Raises NotFound for a subscription that may not be
    seen."""
    given = {name: sent.get(name, "").strip() for name in _NAMES}
    hook = catalogue.by_name_or_number(given["webhook"]) if given["webhook"] else None
    moments = {name: found for name in ("from", "until") if (found := moment_of(given[name])) is not None}
    wanted = guid_of(given["subscription"])
    subscription = queries.subscription(wanted, by=actor) if wanted is not None else None
    known = {
        "state": given["state"] if given["state"] in STATES else "",
        "subscription": str(subscription.guid) if subscription is not None else "",
        "webhook": hook.name if hook is not None else "",
        "record": given["record"] if _is_record(given["record"]) else "",
        "since": given["since"] if given["since"] in AGES else "",
        **{name: as_written(moment) for name, moment in moments.items()},
    }
    return Filters(
        {name: value for name, value in known.items() if value}, sent.get("cursor", ""), subscription, moments
    )


def wish_of(filters: Filters, actor: Actor) -> log.Wish:
    """What to ask the log for."""
    given = filters.given
    ago = AGES[given["since"]][0] if "since" in given else None
    since = [*([clock.now() - ago] if ago else []), *([filters.moments["from"]] if "from" in given else [])]
    hook = catalogue.by_name_or_number(given["webhook"]) if "webhook" in given else None
    return log.Wish(
        subscription_guid=filters.subscription.guid if filters.subscription is not None else None,
        state=STATES[given["state"]][0] if "state" in given else None,
        webhook=hook.number if hook is not None else None,
        record_guid=_record(given["record"], actor) if "record" in given else None,
        since=max(since, default=None),
        until=filters.moments.get("until"),
    )


def chips_of(filters: Filters) -> tuple[Chip, ...]:
    """A chip for each filter that is on, but for the state, which has segments."""
    shown: dict[str, tuple[Words, Words]] = {
        "subscription": (_("Subscription"), name_of(filters.subscription) if filters.subscription is not None else ""),
        "webhook": (_("Webhook"), filters.given.get("webhook", "")),
        "record": (_("Record"), filters.given.get("record", "")),
        "since": (_("Since"), AGES[filters.given["since"]][1] if "since" in filters.given else ""),
        "from": (_("From"), as_shown(filters.moments.get("from"))),
        "until": (_("Until"), as_shown(filters.moments.get("until"))),
    }
    return tuple(
        Chip(words, value, address(reverse("deliveries"), filters.given, **{name: None}))
        for name, (words, value) in shown.items()
        if name in filters.given
    )


def _record(written: str, actor: Actor) -> UUID:
    """The record that is named, or none that there is."""
    return record_named(written, actor) or ids.new_guid()


def _is_record(written: str) -> bool:
    return 0 < len(written) <= _LONGEST_RECORD and written.isprintable()
