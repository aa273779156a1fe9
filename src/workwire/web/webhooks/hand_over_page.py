"""Handing a subscription over: choosing an account, what it would let the receiver see, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from django import forms
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from workwire.kernel.ids import parse_guid
from workwire.outbox.registry import webhooks
from workwire.outbox.told_records import told_by
from workwire.reactions.webhooks import hand_over, queries
from workwire.reactions.webhooks.explorer import Event
from workwire.reactions.webhooks.hand_over import Preview
from workwire.reactions.webhooks.models import Subscription
from workwire.web.kit.account_people import person_of
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link, Person
from workwire.web.webhooks.delivery_parts import name_of
from workwire.web.webhooks.repair_parts import sight_of_record

if TYPE_CHECKING:
    from workwire.access.models import User

LONGEST = 200


class HandOverForm(VersionedForm):
    """Who is to own the subscription."""

    owner = forms.UUIDField(widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may become the owner."""

    guid: str
    person: Person
    username: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """How many events, and what that means for the receiver."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A record that the new owner may not see, and where it is said why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Consequences:
    """What would change, for the account that was chosen; `obstacle` is empty where it can be done."""

    name: str
    obstacle: str
    counted: str
    figures: tuple[Figure, ...]
    gained: int
    unseen: tuple[Unseen, ...]
    credential: str


@dataclass(frozen=True, slots=True)
class HandOverPage:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    name: str
    url: str
    endpoint: str
    webhook: str
    owner: Person
    here: str
    back: str
    text: str
    candidates: tuple[Candidate, ...]
    more: bool
    told: Consequences | None
    form: HandOverForm
    overtaken: Overtaken | None
    most_counted: str
    looked_at: str


@page("webhooks/hand_over.html", methods=FORM)
def subscription_hand_over(visit: Visit, guid: UUID) -> HandOverPage | See:
    """Choose an account, see what would change, and hand the subscription over."""
    actor = visit.actor
    found = queries.subscription(guid, by=actor)
    text = visit.asked("text", LONGEST)
    offered = list(hand_over.candidates(guid, text, by=actor)[: hand_over.MOST_OFFERED + 1])
    chosen = parse_guid((visit.request.POST if visit.is_sent else visit.request.GET).get("owner", ""))
    form = visit.form(HandOverForm, owner=chosen, version=found.version)
    faster = None
    if form.is_bound and form.is_valid():
        with visit.refusals(form):
            sent = form.cleaned_data
            hand_over.hand_over(guid, owner=sent["owner"], by=actor, version=sent["version"])
            visit.tell(_("Handed over. Both accounts are told."))
            return See(reverse("subscription", args=[guid]))
        faster = overtaken(visit, form, guid, found.version, {})
    told = hand_over.preview(guid, owner=chosen, by=actor) if chosen is not None else None
    name, back = name_of(found), reverse("subscription", args=[guid])
    return HandOverPage(
        crumbs=(
            Link(_("Subscriptions"), reverse("subscriptions")),
            Link(name, back),
            Link(_("Hand over"), is_here=True),
        ),
        name=name,
        url=found.url,
        endpoint=found.endpoint,
        webhook=webhooks()[found.webhook].name,
        owner=person_of(found.owner),
        here=reverse("subscription-hand-over", args=[guid]),
        back=back,
        text=text,
        candidates=tuple(_candidate(one, chosen) for one in offered[: hand_over.MOST_OFFERED]),
        more=len(offered) > hand_over.MOST_OFFERED,
        told=_consequences(found, told) if told is not None else None,
        form=form,
        overtaken=faster,
        most_counted=_number(hand_over.MOST_COUNTED),
        looked_at=_number(hand_over.LOOKED_AT),
    )


def _candidate(user: User, chosen: UUID | None) -> Candidate:
    return Candidate(str(user.guid), person_of(user), user.username, user.guid == chosen)


def _consequences(found: Subscription, told: Preview) -> Consequences:
    return Consequences(
        name=told.owner.full_name,
        obstacle=told.obstacle.sentence() if told.obstacle is not None else "",
        counted=_number(told.counted),
        figures=(
            Figure(_("Goes on"), _number(told.kept), _("Both owners see these.")),
            Figure(_("New"), _number(told.gained), _("Only the new owner sees these.")),
            Figure(_("Ends"), _number(told.lost), _("Only the present owner sees these.")),
        ),
        gained=told.gained,
        unseen=tuple(_unseen(one, told.owner) for one in told.unseen),
        credential=found.credential.name if found.credential is not None else "",
    )


def _unseen(event: Event, owner: User) -> Unseen:
    told = told_by(orjson.loads(event.body))
    return Unseen(f"{told.reference} {told.title}".strip() or _("(no title)"), sight_of_record(owner, event))


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
