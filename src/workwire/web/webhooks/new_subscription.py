"""The page on which somebody subscribes: step by step on one page, and at the end the secret, shown this once."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.errors import NotFound
from workwire.reactions.webhooks import commands
from workwire.reactions.webhooks.commands import Terms
from workwire.web.kit.page import FORM, Visit, page
from workwire.web.kit.parts import Link
from workwire.web.webhooks.reach_test import Reach, reach_of
from workwire.web.webhooks.subscription_form import About, SubscriptionForm, Tries, about_of, tries_of
from workwire.web.webhooks.verification import Snippet, snippets


@dataclass(frozen=True, slots=True)
class Made:
    """A subscription that was just made, with its secret."""

    address: str
    guid: str
    secret: str
    body_key: str
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """What the page shows; `made` once all is done."""

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
    made: Made | None = None
    conflict: None = None


@page("webhooks/subscription_form.html", methods=FORM)
def subscribe(visit: Visit) -> Subscribe:
    """Ask what is wanted, help to choose, and subscribe."""
    require(visit.actor, features.WEBHOOKS)
    sent = visit.request.POST if visit.is_sent else None
    form = SubscriptionForm(sent, initial={"webhook": visit.request.GET.get("webhook", "")})
    made, reach = None, None
    if sent is not None and "step" in sent:
        visit.asks_on = True
        form = SubscriptionForm(initial={name: sent.get(name) for name in form.fields if name in sent})
        reach = reach_of(form, visit) if sent["step"] == "test" else None
    elif sent is not None and form.is_valid():
        with visit.refusals(form):
            made = _subscribe(visit, form)
    return Subscribe(
        crumbs=(Link(_("Subscriptions"), reverse("subscriptions")), Link(_("New"), is_here=True)),
        title=_("New subscription"),
        sentence=_("Tell another system what happens here."),
        deed=_("Subscribe"),
        form=form,
        about=about_of(form, visit.actor),
        tries=tries_of(form),
        reach=reach,
        zone=visit.look.zone_name,
        cancel=reverse("subscriptions"),
        made=made,
    )


def _subscribe(visit: Visit, form: SubscriptionForm) -> Made | None:
    sent = form.cleaned_data
    terms = Terms(**form.terms(), header_value=sent["header_value"], client_key=sent["client_key"])
    try:
        subscription, secret = commands.subscribe(terms, by=visit.actor)
    except NotFound as error:
        visit.refuse(error)
        form.add_error("filter_guid", error.sentence())
        return None
    visit.status = HTTPStatus.CREATED
    return Made(
        address=reverse("subscription", args=[subscription.guid]),
        guid=str(subscription.guid),
        secret=secret,
        body_key="" if subscription.format == "plain" else "data",
        snippets=snippets(),
    )
