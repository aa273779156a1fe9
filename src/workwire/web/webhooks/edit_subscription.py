"""The form of a subscription: making one, step by step on one page, with its secret shown this once at the end; and changing
one, where what another changed meanwhile is shown and one keeps either."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.actor import Actor
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import commands, queries, subscription_objects, tls_terms
from workwire.reactions.webhooks.commands import Terms
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.overtaken import Overtaken, overtaken
from workwire.web.kit.page import FORM, See, Shown, Visit, page
from workwire.web.kit.parts import Link, Words
from workwire.web.webhooks.delivery_parts import name_of
from workwire.web.webhooks.reach_test import Reach, reach_of
from workwire.web.webhooks.subscription_form import (
    ABOUT,
    About,
    HookChoice,
    NewSubscriptionForm,
    SubscriptionForm,
    Tries,
    about_of,
    abouts,
    hooks_of,
    tries_of,
)
from workwire.web.webhooks.subscription_sample import Sample, sample_of
from workwire.web.webhooks.verification import Snippet, snippets

F = TypeVar("F", bound=SubscriptionForm)
_KINDS = {kind: name for name, kind in ABOUT.items()}


@dataclass(frozen=True, slots=True)
class SubscriptionEditing:
    """What the form shows, for a new subscription and for one to change."""

    crumbs: tuple[Link, ...]
    title: str
    sentence: str
    deed: str
    address: str
    back: str
    form: SubscriptionForm
    hooks: tuple[HookChoice, ...]
    about: About
    tries: Tries
    sample: Sample
    reach: Reach | None
    zone: str
    overtaken: Overtaken | None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription that was just made, with its secret."""

    crumbs: tuple[Link, ...]
    address: str
    guid: str
    secret: str
    body_key: str
    snippets: tuple[Snippet, ...]


@page("webhooks/subscription_form.html", methods=FORM, secret=True)
def subscribe(visit: Visit) -> SubscriptionEditing | Shown:
    """Ask what is wanted, help to choose, and subscribe."""
    require(visit.actor, features.WEBHOOKS)
    form = _form(visit, NewSubscriptionForm, {"webhook": visit.request.GET.get("webhook", "")})
    if form.is_bound and form.is_valid():
        with visit.refusals(form):
            return _subscribed(visit, form)
    return _editing(
        visit,
        form,
        crumbs=_crumbs(Link(_("New"), is_here=True)),
        title=_("New subscription"),
        sentence=_("Tell another system what happens here."),
        deed=_("Subscribe"),
        address=reverse("subscribe"),
        back=reverse("subscriptions"),
    )


@page("webhooks/subscription_form.html", methods=FORM, secret=True)
def change(visit: Visit, guid: UUID) -> SubscriptionEditing | See:
    """Show what a subscription asks for, and change it."""
    found = queries.subscription(guid, by=visit.actor)
    present, back = _present(found), reverse("subscription", args=[guid])
    form = _form(visit, SubscriptionForm, present | {"version": found.version})
    faster = None
    if form.is_bound and form.is_valid():
        with visit.refusals(form):
            commands.update(guid, by=visit.actor, version=form.cleaned_data["version"], **_changes(form, found))
            visit.tell(_("Saved."))
            return See(back)
        faster = overtaken(visit, form, guid, found.version, present, _said(found, visit.actor))
    return _editing(
        visit,
        form,
        crumbs=_crumbs(Link(name_of(found), back), Link(_("Edit"), is_here=True)),
        title=_("Edit %(name)s") % {"name": name_of(found)},
        sentence=_("What is changed here counts for every message from now on."),
        deed=_("Save"),
        address=reverse("subscription-edit", args=[guid]),
        back=back,
        faster=faster,
    )


def _form(visit: Visit, kind: type[F], initial: dict[str, Any]) -> F:
    """The form as it was sent, or with its first values; where it was sent to see more of it, what was written are these."""
    sent = visit.request.POST
    if "step" not in sent:
        return visit.form(kind, **initial)
    visit.asks_on = True
    return kind(initial={name: sent.get(name) for name in kind.base_fields if name in sent})


def _editing(
    visit: Visit,
    form: SubscriptionForm,
    *,
    crumbs: tuple[Link, ...],
    title: str,
    sentence: str,
    deed: str,
    address: str,
    back: str,
    faster: Overtaken | None = None,
) -> SubscriptionEditing:
    return SubscriptionEditing(
        crumbs=crumbs,
        title=title,
        sentence=sentence,
        deed=deed,
        address=address,
        back=back,
        form=form,
        hooks=hooks_of(form),
        about=about_of(form, visit.actor),
        tries=tries_of(form),
        sample=sample_of(form, visit.actor),
        reach=reach_of(form, visit) if visit.request.POST.get("step") == "test" else None,
        zone=visit.look.zone_name,
        overtaken=faster,
    )


def _crumbs(*further: Link) -> tuple[Link, ...]:
    return (Link(_("Subscriptions"), reverse("subscriptions")), *further)


def _subscribed(visit: Visit, form: NewSubscriptionForm) -> Shown:
    sent = form.cleaned_data
    terms = Terms(**form.terms(), header_value=sent["header_value"], client_key=sent["client_key"])
    subscription, secret = commands.subscribe(terms, by=visit.actor, wish=sent["wish"])
    visit.status = HTTPStatus.CREATED
    made = Subscribed(
        crumbs=_crumbs(Link(_("New"), is_here=True)),
        address=reverse("subscription", args=[subscription.guid]),
        guid=str(subscription.guid),
        secret=secret,
        body_key="" if subscription.format == "plain" else "data",
        snippets=snippets(),
    )
    return Shown("webhooks/subscribed.html", made)


def _present(found: Subscription) -> dict[str, Any]:
    """The values of the form as the subscription stands, without what is never shown again."""
    return {
        "webhook": webhooks()[found.webhook].name,
        "filter_type": _KINDS[ObjectType(found.filter_type)],
        "filter_guid": found.filter_guid,
        "url": found.url,
        "format": found.format,
        "header_name": found.header_name,
        "in_order": found.in_order,
        "most_per_second": found.most_per_second,
        "retry_schedule": found.retry_schedule,
        "authorities": found.authorities.strip(),
        "client_certificate": found.client_certificate.strip(),
    }


def _said(found: Subscription, actor: Actor) -> dict[str, Words]:
    """What the form cannot put into words: the object by name, and the choices of another webhook than was sent."""
    kind, hook = ObjectType(found.filter_type), webhooks()[found.webhook]
    name = subscription_objects.name_of(kind, found.filter_guid, by=actor) if found.filter_guid is not None else ""
    said = {"filter_type": dict(abouts(hook)).get(_KINDS[kind], "–"), "filter_guid": name or "–"}
    for field in ("authorities", "client_certificate"):
        said[field] = ", ".join(one.subject for one in tls_terms.described(getattr(found, field))) or "–"
    return said


def _changes(form: SubscriptionForm, found: Subscription) -> dict[str, Any]:
    """The terms as they were sent; a value and a key that were not written again stay as they are."""
    changes, sent = form.terms(), form.cleaned_data
    for name in ("authorities", "client_certificate"):
        kept = getattr(found, name)
        changes[name] = kept if sent[name] == kept.strip() else sent[name]
    for name in ("header_value", "client_key"):
        if sent[name]:
            changes[name] = sent[name]
    return changes
