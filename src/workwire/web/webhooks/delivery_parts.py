"""Deliveries and subscriptions as parts of pages: where they stand, what they are about, how they were answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import messages, queries
from workwire.reactions.webhooks.models import Attempt, Delivery, State, Subscription
from workwire.web.kit import charts, parts
from workwire.web.kit.parts import Words, brief, took

UNDER_WAY = parts.State("contrast", gettext_lazy("Under way"), "run")
WAITING = parts.State("circle", gettext_lazy("Waiting"), "todo")
_AGAIN = parts.State("rotate-cw", gettext_lazy("Delivered, to be sent again"), "run")
_PAUSED = parts.State("circle-pause", gettext_lazy("Waiting, paused"), "off")
ENDS = {
    State.DELIVERED: parts.State("circle-check", gettext_lazy("Delivered"), "ok"),
    State.WITHHELD: parts.State("lock", gettext_lazy("Withheld"), "off"),
    State.GAVE_UP: parts.State("circle-x", gettext_lazy("Gave up"), "bad"),
    State.CANCELLED: parts.State("minus", gettext_lazy("Cancelled"), "off"),
}
ERRORS = {
    "authorities_unreadable": gettext_lazy("certificates unreadable"),
    "connect_failed": gettext_lazy("no connection"),
    "connect_timeout": gettext_lazy("no connection in time"),
    "connection_lost": gettext_lazy("connection lost"),
    "connection_refused": gettext_lazy("connection refused"),
    "dns": gettext_lazy("name not found"),
    "invalid_request": gettext_lazy("not a request"),
    "not_composed": gettext_lazy("not written"),
    "protocol": gettext_lazy("not HTTP"),
    "proxy_failed": gettext_lazy("proxy away"),
    "proxy_refused": gettext_lazy("refused by the proxy"),
    "refused_address": gettext_lazy("address refused"),
    "reset": gettext_lazy("broken off"),
    "secret_unreadable": gettext_lazy("secret unreadable"),
    "stale_answer": gettext_lazy("no answer to this"),
    "timeout": gettext_lazy("timeout"),
    "tls": gettext_lazy("TLS failed"),
    "too_large_headers": gettext_lazy("too many headers"),
    "transport_lost": gettext_lazy("sender ended"),
    "unreachable": gettext_lazy("unreachable"),
}
STEPS = (
    charts.Series(gettext_lazy("Name lookup"), "lookup"),
    charts.Series(gettext_lazy("Connecting"), "connecting"),
    charts.Series(gettext_lazy("TLS"), "tls"),
    charts.Series(gettext_lazy("First byte"), "run"),
)
REST, FAILED = (
    charts.Series(gettext_lazy("Rest of the answer"), "rest"),
    charts.Series(gettext_lazy("Until it failed"), "bad"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What a delivery tells of: the record's reference and title as of the event, and its number in the record's sequence."""

    reference: str
    title: Words
    sequence: str


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt was answered: a status or an error in a word, what HTTP calls the status, the sentence, and how long it
    took."""

    words: Words
    phrase: str
    tone: str
    detail: str
    took: str


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery in a list; `is_told` says that it carries what an event told, and is no sample."""

    address: str
    state: parts.State
    about: About
    webhook: str
    to: str
    url: str
    result: Result | None
    attempts: int
    is_test: bool
    is_told: bool
    created_at: datetime


def row(delivery: Delivery, last: Attempt | None, now: datetime) -> Row:
    """A delivery of the log as a row of a list, at a moment; `last` is its last attempt, if there was one."""
    seen = is_seen(delivery)
    return Row(
        address=address_of(delivery),
        state=state_of(delivery, now),
        about=about(delivery),
        webhook=webhooks()[delivery.subscription.webhook].name,
        to=name_of(delivery.subscription),
        url=delivery.subscription.url,
        result=result_of(last) if last is not None and seen else None,
        attempts=delivery.attempts,
        is_test=delivery.event_id is None,
        is_told=delivery.event_id is not None or delivery.tested_event_id is not None,
        created_at=delivery.created_at,
    )


def address_of(delivery: Delivery) -> str:
    """The address of a delivery's page."""
    return reverse("delivery", args=[delivery.guid])


def is_seen(delivery: Delivery) -> bool:
    """Whether who asked for the delivery may see the record it is about."""
    return bool(getattr(delivery, "content_visible", False))


def state_of(delivery: Delivery, now: datetime) -> parts.State:
    """Where a delivery stands, and when it is tried again; one that was delivered and is sent again keeps saying so."""
    standing = queries.standing(delivery)
    if standing in (State.DUE, State.SENDING) and getattr(delivery, "was_taken", False):
        return _AGAIN
    if standing == State.SENDING:
        return UNDER_WAY
    if standing != State.DUE:
        return ENDS[standing]
    place = getattr(delivery, "queued", None)
    if delivery.subscription.paused_at is not None:
        return _PAUSED
    if place is None or not place.tries:
        return WAITING
    words = _("Retry in %(time)s") % {"time": brief(place.due_at - now)} if place.due_at > now else _("Retry now")
    return parts.State("rotate-cw", words, "warn")


def about(delivery: Delivery) -> About:
    """What a delivery tells of, nothing where its record may not be seen."""
    if delivery.event is None and delivery.tested_event_id is None:
        return About("", _("Sample message"), "")
    if not is_seen(delivery):
        return About("", _("A record you may not see"), "")
    reference, title = messages.told_of(delivery)
    sequence = str(delivery.event.sequence) if delivery.event is not None else ""
    return About(reference, title or _("(no title)"), sequence)


def result_of(attempt: Attempt) -> Result:
    """How an attempt was answered."""
    detail = queries.detail_of(attempt)
    if attempt.status is not None:
        tone = "" if 200 <= attempt.status < 300 else "bad"
        return Result(str(attempt.status), _phrase(attempt.status), tone, detail, took(attempt.duration))
    return Result(ERRORS.get(attempt.error, attempt.error), "", "bad", detail, took(attempt.duration))


def _phrase(status: int) -> str:
    """What HTTP calls a status; empty for one that it does not name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def timings_of(attempt: Attempt) -> charts.Bars | None:
    """Where the time of an attempt went, for one whose steps were timed."""
    rows = [(step.words, round(microseconds / 1000, 1)) for step, microseconds in steps_of(attempt)]
    if not rows:
        return None
    return charts.steps(_("Where the time went, in milliseconds"), charts.Series(_("Milliseconds"), "run"), rows)


def steps_of(attempt: Attempt) -> tuple[tuple[charts.Series, int], ...]:
    """The steps of an attempt one after the other, each with its microseconds; none for one that was not timed."""
    timed = zip(STEPS, (attempt.name_us, attempt.connect_us, attempt.tls_us, attempt.first_byte_us), strict=True)
    made = [(step, microseconds) for step, microseconds in timed if microseconds is not None]
    if not made:
        return ()
    rest = round(attempt.duration * 1_000_000) - sum(microseconds for _step, microseconds in made)
    if rest > 0:
        made.append((REST if attempt.first_byte_us is not None else FAILED, rest))
    return tuple(made)


def name_of(subscription: Subscription) -> str:
    """What a subscription is called: where it sends, without the scheme."""
    parts_of_url = urlsplit(subscription.url)
    return f"{parts_of_url.netloc}{parts_of_url.path.rstrip('/')}"
