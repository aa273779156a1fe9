"""Subscriptions as parts of pages: how they are, and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

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
KINDS = {
    ObjectType.COMPANY: gettext_lazy("Company"),
    ObjectType.CONTRACT: gettext_lazy("Contract"),
    ObjectType.SERVICE: gettext_lazy("Service"),
    ObjectType.PACKET: gettext_lazy("Work item"),
    ObjectType.SCHEDULE: gettext_lazy("Schedule"),
}


def object_of(subscription: Subscription, names: Mapping[UUID, str]) -> Words:
    """What a subscription is for, by name as far as the reader may see it."""
    kind = ObjectType(subscription.filter_type)
    if kind not in KINDS:
        return _("Everything the owner may see")
    if subscription.filter_guid is None:
        return _("Every one: %(kind)s") % {"kind": KINDS[kind]}
    name = names.get(subscription.filter_guid)
    return _("%(kind)s %(name)s") % {"kind": KINDS[kind], "name": name} if name else KINDS[kind]
