"""The page of a subscription: how it is and why, what waits, what it asks for; pausing, testing, a new secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.kernel.ids import parse_guid
from workwire.kernel.wording import say
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import (
    attempt_figures,
    commands,
    log,
    queries,
    repair,
    rotation,
    subscription_health,
    subscription_objects,
)
from workwire.reactions.webhooks.attempt_figures import Period
from workwire.reactions.webhooks.hand_over import may_hand_over
from workwire.reactions.webhooks.log import Wish
from workwire.reactions.webhooks.models import SOON, Lane, Subscription
from workwire.reactions.webhooks.subscription_health import Health, Tried
from workwire.web.kit import charts
from workwire.web.kit.account_people import person_of
from workwire.web.kit.charts import Bars, Series
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Fact, Link, Person, State, Words, address, brief, remaining, took
from workwire.web.kit.time_charts import TimeChart
from workwire.web.webhooks.attempt_charts import PERIODS, how_long, how_many, period_of
from workwire.web.webhooks.delivery_parts import ERRORS, Row, name_of, row
from workwire.web.webhooks.subscription_parts import CONDITIONS, object_of

NEWEST = 10
LANES = {
    Lane.FRESH: gettext_lazy("Fresh"),
    Lane.RETRY: gettext_lazy("Retry"),
    Lane.BULK: gettext_lazy("Bulk"),
    Lane.TEST: gettext_lazy("Test"),
}
FORMATS: dict[str, Words] = {
    "plain": gettext_lazy("Plain"),
    "standard": gettext_lazy("Standard Webhooks"),
    "cloudevents": gettext_lazy("CloudEvents"),
}
CIRCUITS = {
    "closed": State("circle-check", gettext_lazy("Closed: messages go out"), "ok"),
    "half_open": State("contrast", gettext_lazy("Half-open: one message decides"), "warn"),
    "open": State("circle-x", gettext_lazy("Open: left alone for a while"), "bad"),
}

PAUSED = State("circle-pause", gettext_lazy("Paused: nothing goes out"), "off")


@dataclass(frozen=True, slots=True)
class Since:
    """Something that the owner should know, and the moment it is about."""

    words: Words
    moment: datetime


@dataclass(frozen=True, slots=True)
class OldSecret:
    """How much longer an old secret signs, and until when exactly."""

    left: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """What the page shows; `secret` is a new one, this once."""

    crumbs: tuple[Link, ...]
    address: str
    name: str
    url: str
    webhook: str
    of: Words
    owner: Person
    condition: State
    reasons: tuple[Since, ...]
    certificates: Since | None
    circuit: State
    is_paused: bool
    last_success: str
    last_success_at: datetime | None
    last_failure: Words
    last_failure_at: datetime | None
    oldest: str
    waiting: str
    lanes: Bars
    periods: tuple[Link, ...]
    charts: tuple[TimeChart, ...]
    missing_until: datetime | None
    facts: tuple[Fact, ...]
    secrets: tuple[OldSecret, ...]
    secret: str
    rows: tuple[Row, ...]
    log: str
    hand_over: str
    zone: str


@page("webhooks/subscription.html")
def subscription(visit: Visit, guid: UUID) -> SubscriptionPage:
    """One subscription."""
    return _shown(visit, guid)


@page("", methods=("POST",))
def pause(visit: Visit, guid: UUID) -> See:
    """Stop sending for now."""
    commands.pause(guid, by=visit.actor)
    visit.tell(_("Paused. Messages accumulate until you resume."))
    return See(reverse("subscription", args=[guid]))


@page("", methods=("POST",))
def resume(visit: Visit, guid: UUID) -> See:
    """Go on sending."""
    commands.resume(guid, by=visit.actor)
    visit.tell(_("Resumed. What accumulated is sent now."))
    return See(reverse("subscription", args=[guid]))


@page("", methods=("POST",))
def simulate(visit: Visit, guid: UUID) -> See:
    """Send a test, of an event or a sample, and lead to its delivery."""
    named = visit.request.POST.get("event", "")
    event = parse_guid(named)
    if named and event is None:
        raise not_found("event")
    sent = repair.simulate(guid, by=visit.actor, event_guid=event)
    visit.tell(_("The test is on its way.") if event is not None else _("A sample message is on its way."))
    return See(reverse("delivery", args=[sent.guid]))


@page("webhooks/subscription.html", methods=("POST",))
def rotate(visit: Visit, guid: UUID) -> SubscriptionPage:
    """Make a new secret and show it in the answer, nowhere else."""
    _subscription, secret = rotation.rotate_secret(guid, by=visit.actor)
    visit.status = HTTPStatus.CREATED
    return _shown(visit, guid, secret)


def _shown(visit: Visit, guid: UUID, secret: str = "") -> SubscriptionPage:
    actor, now = visit.actor, clock.now()
    found = queries.subscription(guid, by=actor)
    health = subscription_health.health(found)
    period = period_of(visit)
    figures = attempt_figures.figures(found, period)
    name, here = name_of(found), reverse("subscription", args=[guid])
    return SubscriptionPage(
        crumbs=(Link(_("Subscriptions"), reverse("subscriptions")), Link(name, is_here=True)),
        address=here,
        name=name,
        url=found.url,
        webhook=webhooks()[found.webhook].name,
        of=object_of(found, subscription_objects.names_of([found], by=actor)),
        owner=person_of(found.owner),
        condition=CONDITIONS[health.state],
        reasons=_reasons(found),
        certificates=_certificates(found, now),
        circuit=PAUSED if found.paused_at else CIRCUITS[health.circuit.state],
        is_paused=found.paused_at is not None,
        last_success=str(health.last_success.status) if health.last_success else "",
        last_success_at=health.last_success.at if health.last_success else None,
        last_failure=_failure(health.last_failure),
        last_failure_at=health.last_failure.at if health.last_failure else None,
        oldest=took(health.oldest_due) if health.oldest_due else "",
        waiting=_number(sum(health.depth.waiting.values())),
        lanes=_lanes(health),
        periods=tuple(
            Link(words, address(here, {"period": one if one != Period.DAY else ""}), one == period)
            for one, words in PERIODS.items()
        ),
        charts=(how_many(figures, period), how_long(figures, period)),
        missing_until=figures.missing_until,
        facts=_facts(found),
        secrets=tuple(_old_secrets(found, now)),
        secret=secret,
        rows=_newest(found, actor, now),
        log=f"{reverse('deliveries')}?subscription={guid}",
        hand_over=reverse("subscription-hand-over", args=[guid]) if may_hand_over(actor) else "",
        zone=visit.look.zone_name,
    )


def _reasons(found: Subscription) -> tuple[Since, ...]:
    paused = say(found.pause_reason, {}) if found.pause_reason else _("It is paused.")
    reasons: tuple[tuple[Words, datetime | None], ...] = (
        (paused, found.paused_at),
        (_("A message was withheld, because the owner may not see what it is about."), found.access_lost_at),
        (_("The endpoint has not taken a message since."), found.failing_since),
    )
    return tuple(Since(words, moment) for words, moment in reasons if moment is not None)


def _certificates(found: Subscription, now: datetime) -> Since | None:
    """That certificates of the subscription soon end, or have ended."""
    end = found.certificates_end_at
    if end is None or end > now + SOON:
        return None
    if end > now:
        return Since(
            _("Certificates of this subscription end soon, and nothing can be sent from then on. Renew them."), end
        )
    return Since(_("Certificates of this subscription have ended, so nothing can be sent. Renew them."), end)


def _failure(last: Tried | None) -> Words:
    if last is None:
        return ""
    return str(last.status) if last.status is not None else ERRORS.get(last.error, last.error)


def _lanes(health: Health) -> Bars:
    series = Series(_("Under way"), "run"), Series(_("Waiting"), "warn")
    depth = health.depth
    rows = [(words, (depth.sending[lane], depth.waiting[lane])) for lane, words in LANES.items()]
    return charts.bars(_("What waits in each lane, now"), series, rows)


def _facts(found: Subscription) -> tuple[Fact, ...]:
    pauses = found.retry_schedule
    facts: tuple[tuple[Words, Words], ...] = (
        (_("Format"), FORMATS[found.format]),
        (_("Custom header"), found.header_name),
        (_("Order"), _("In order per record") if found.in_order else _("As fast as possible")),
        (_("Most a second"), _number(found.most_per_second) if found.most_per_second else ""),
        (
            _("Retries after"),
            ", ".join(brief(timedelta(seconds=one)) for one in pauses) if pauses else _("The usual schedule"),
        ),
    )
    return tuple(Fact(name, value) for name, value in facts if value)


def _old_secrets(found: Subscription, now: datetime) -> list[OldSecret]:
    """The old secrets that still sign, the first to end first."""
    moments = sorted(datetime.fromisoformat(one["expires_at"]) for one in found.secrets if one["expires_at"])
    return [OldSecret(remaining(moment - now), moment) for moment in moments if moment > now]


def _newest(found: Subscription, actor: Actor, now: datetime) -> tuple[Row, ...]:
    rows = log.page(actor, Wish(found.guid), limit=NEWEST).rows
    last = queries.last_attempts(rows)
    return tuple(row(one, last.get(one.pk), now) for one in rows)


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
