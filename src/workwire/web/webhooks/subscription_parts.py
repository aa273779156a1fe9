"""Subscriptions as parts of pages: how they are, and what they are for."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.parts import State, Words

CONDITIONS = {
    "healthy": State("circle-check", gettext_lazy("Healthy"), "ok"),
    "failing": State("triangle-alert", gettext_lazy("Failing"), "bad"),
    "paused": State("circle-pause", gettext_lazy("Paused"), "off"),
    "access_lost": State("lock", gettext_lazy("Access lost"), "warn"),
}
_KINDS = {
    ObjectType.COMPANY: gettext_lazy("Company"),
    ObjectType.CONTRACT: gettext_lazy("Contract"),
    ObjectType.SERVICE: gettext_lazy("Service"),
    ObjectType.PACKET: gettext_lazy("Work item"),
    ObjectType.SCHEDULE: gettext_lazy("Schedule"),
}


def object_of(subscription: Subscription) -> Words:
    """The kind of object a subscription is for."""
    kind = ObjectType(subscription.filter_type)
    return _KINDS.get(kind, _("Everything the owner may see"))
