"""The page on which the owner of a subscription changes what it asks for; what another changed meanwhile is shown, and one
keeps either."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.errors import NotFound
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import commands, events, queries
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Words
from workwire.web.webhooks.delivery_parts import name_of
from workwire.web.webhooks.reach_test import Reach, reach_of
from workwire.web.webhooks.subscription_form import (
    ABOUT,
    About,
    SubscriptionForm,
    Tries,
    about_of,
    tries_of,
    written_pauses,
)


@dataclass(frozen=True, slots=True)
class Differing:
    """A field that stands otherwise now than in the form that was sent."""

    label: Words
    yours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Who changed it last and when, and what stands otherwise now than it was sent."""

    who: str
    at: datetime | None
    differing: tuple[Differing, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What the page shows; `conflict` says what another change did that came first."""

    crumbs: tuple[Link, ...]
    title: str
    sentence: str
    deed: str
    form: SubscriptionForm
    about: About
    tries: Tries
    reach: Reach | None
    zone: str
    cancel: str
    conflict: Overtaken | None
    made: None = None


@page("webhooks/subscription_form.html", methods=FORM)
def change(visit: Visit, guid: UUID) -> Change | See:
    """Show what a subscription asks for, and change it."""
    require(visit.actor, features.WEBHOOKS)
    found = queries.subscription(guid, by=visit.actor)
    sent = visit.request.POST if visit.is_sent else None
    form, conflict, reach = SubscriptionForm(sent, initial=_initial(found)), None, None
    if sent is not None and "step" in sent:
        visit.asks_on = True
        form = SubscriptionForm(initial={name: sent.get(name) for name in form.fields if name in sent})
        reach = reach_of(form, visit) if sent["step"] == "test" else None
    elif sent is not None and form.is_valid():
        try:
            with visit.refusals(form):
                commands.update(guid, by=visit.actor, version=form.cleaned_data["version"], **_changes(form, found))
                visit.tell(_("Saved."))
                return See(reverse("subscription", args=[guid]))
        except NotFound as error:
            visit.refuse(error)
            form.add_error("filter_guid", error.sentence())
        if form.cleaned_data["version"] not in (None, found.version):
            conflict, form = _overtaken(form, found, visit), _with_version(form, found.version)
    return Change(
        crumbs=(
            Link(_("Subscriptions"), reverse("subscriptions")),
            Link(name_of(found), reverse("subscription", args=[guid])),
            Link(_("Edit"), is_here=True),
        ),
        title=_("Edit %(name)s") % {"name": name_of(found)},
        sentence=_("What is changed here counts for every message from now on."),
        deed=_("Save"),
        form=form,
        about=about_of(form, visit.actor),
        tries=tries_of(form),
        reach=reach,
        zone=visit.look.zone_name,
        cancel=reverse("subscription", args=[guid]),
        conflict=conflict,
    )


def _initial(found: Subscription) -> dict[str, Any]:
    """The form as the subscription stands, without what is never shown again."""
    kinds = {kind: name for name, kind in ABOUT.items()}
    return {
        "webhook": webhooks()[found.webhook].name,
        "filter_type": kinds[ObjectType(found.filter_type)],
        "filter_guid": found.filter_guid,
        "url": found.url,
        "format": found.format,
        "header_name": found.header_name,
        "in_order": found.in_order,
        "most_per_second": found.most_per_second,
        "retry_schedule": written_pauses(found.retry_schedule),
        "authorities": found.authorities,
        "client_certificate": found.client_certificate,
        "version": found.version,
    }


def _changes(form: SubscriptionForm, found: Subscription) -> dict[str, Any]:
    """The terms as they were sent; a value and a key that were not written again stay as they are."""
    changes, sent = form.terms(), form.cleaned_data
    for name in ("authorities", "client_certificate"):
        pem, kept = sent[name].replace("\r\n", "\n"), getattr(found, name)
        changes[name] = kept if pem == kept.strip() else pem
    for name in ("header_value", "client_key"):
        if sent[name]:
            changes[name] = sent[name]
    return changes


def _differing(form: SubscriptionForm, found: Subscription) -> tuple[Differing, ...]:
    """The fields whose values stand otherwise now than they were sent."""
    now = SubscriptionForm(initial=_initial(found))
    shown = ("webhook", "filter_type", "url", "format", "header_name", "in_order", "most_per_second", "retry_schedule")
    pairs = ((form[name].label, _words(form, name), _words(now, name)) for name in shown)
    return tuple(Differing(label, yours, theirs) for label, yours, theirs in pairs if yours != theirs)


def _words(form: SubscriptionForm, name: str) -> str:
    value = form[name].value()
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    choices = dict(getattr(form.fields[name], "choices", ()))
    return str(choices.get(value, "" if value is None else value))


def _with_version(form: SubscriptionForm, version: int) -> SubscriptionForm:
    """The form as it was sent, so that sending it again keeps it against what another changed."""
    sent = {name: form.data.get(name) for name in form.fields if name in form.data}
    again = SubscriptionForm({**sent, "version": str(version)})
    again.full_clean()
    return again


def _overtaken(form: SubscriptionForm, found: Subscription, visit: Visit) -> Overtaken:
    changes = (
        queries.notices(found.guid, by=visit.actor)
        .filter(name=events.SubscriptionUpdated.event_name)
        .select_related("actor")
    )
    newest = changes.order_by("-pk").first()
    who = newest.actor.full_name if newest is not None and newest.actor is not None else ""
    return Overtaken(who, newest.occurred_at if newest is not None else None, _differing(form, found))
