"""The page of a delivery: its attempts, the request as it was sent, the answer, and which checks decide; sending it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.access.policy import may_explore
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.wording import say
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import log, messages, queries, repair, rights
from workwire.reactions.webhooks.explorer import Event
from workwire.reactions.webhooks.models import Attempt, Delivery, State, Subscription
from workwire.web.kit import charts, parts
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Link, Words, brief, took
from workwire.web.webhooks.delivery_parts import (
    FAILED,
    REST,
    STEPS,
    About,
    Result,
    about,
    address_of,
    is_seen,
    name_of,
    result_of,
    state_of,
    steps_of,
    timings_of,
)
from workwire.web.webhooks.repair_parts import explain_address, why_address

MOST_ATTEMPTS = 200
BAR = 240  # units of the drawing
CHECKS = {
    repair.FILTER: gettext_lazy("The event matches"),
    rights.OWNER_INACTIVE: gettext_lazy("The account is active"),
    rights.CREDENTIAL_INVALID: gettext_lazy("The application credential is valid"),
    rights.ROLE_MISSING: gettext_lazy("The owner may subscribe"),
    rights.FILTER_INVISIBLE: gettext_lazy("The owner may see the filter object"),
    rights.RECORD_INVISIBLE: gettext_lazy("The owner may see the record"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar."""

    tone: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt; `waited` is how long it came after the one before, `bar` how long it took beside the longest."""

    number: int
    moment: datetime
    result: Result
    waited: str
    bar: tuple[Piece, ...]
    address: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A condition of sending; `why` leads to the rules behind one that does not hold, for who may look at them."""

    state: parts.State
    name: Words
    sentence: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it was sent, and what came back; without an attempt what would be sent."""

    number: int
    headers: str
    body: str
    size: int
    answer: str
    result: Result | None
    timings: charts.Bars | None
    as_curl: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    address: str
    message_id: str
    webhook: str
    is_test: bool
    about: About
    record: str
    event: str
    state: parts.State
    reason: str
    subscription: Link
    created_at: datetime
    finished_after: str
    may_resend: bool
    attempts: tuple[Tried, ...]
    legend: tuple[charts.Series, ...]
    exchange: Exchange | None
    checks: tuple[Check, ...]
    explain: str
    newer: str
    older: str
    zone: str


@page("webhooks/delivery.html")
def delivery(visit: Visit, guid: UUID) -> DeliveryPage:
    """One delivery; the address may name the attempt that is looked at."""
    actor, now = visit.actor, clock.now()
    found = queries.delivery(guid, by=actor)
    seen, subscription, told = is_seen(found), found.subscription, found.told_event
    tried = list(queries.attempts(found)[:MOST_ATTEMPTS]) if seen else []
    wanted = visit.request.GET.get("attempt", "")
    shown = next((one for one in tried if str(one.number) == wanted), tried[-1] if tried else None)
    newer, older = log.neighbours(actor, found)
    name = name_of(subscription)
    return DeliveryPage(
        crumbs=(
            Link(_("Deliveries"), reverse("deliveries")),
            Link(
                name,
                f"{reverse('deliveries')}?subscription={subscription.guid}" if subscription.ended_at is None else "",
            ),
            Link(_("Delivery"), is_here=True),
        ),
        address=address_of(found),
        message_id=messages.message_id_of(found) if seen else "",
        webhook=webhooks()[subscription.webhook].name,
        is_test=found.event is None,
        about=about(found),
        record=_record(found, told) if seen else "",
        event=reverse("event", args=[told.guid]) if seen and told is not None and may_explore(actor) else "",
        state=state_of(found, now),
        reason=say(found.end_reason, {}) if found.end_reason in rights.REASONS else "",
        subscription=Link(name, _subscription_page(found, actor)),
        created_at=found.created_at,
        finished_after=took((found.finished_at - found.created_at).total_seconds())
        if found.state == State.DELIVERED and found.finished_at
        else "",
        may_resend=may_resend(found, actor),
        attempts=_attempts(tried, shown, found),
        legend=_legend(tried),
        exchange=_exchange(found, shown) if seen else None,
        checks=_checks(found, told, actor),
        explain=_explain(found, told, actor),
        newer=address_of(newer) if newer is not None else "",
        older=address_of(older) if older is not None else "",
        zone=visit.look.zone_name,
    )


@page("", methods=("POST",))
def resend(visit: Visit, guid: UUID) -> See:
    """Send a delivery again."""
    repair.resend(guid, by=visit.actor)
    visit.tell(_("It is sent again."))
    return See(address_of(queries.delivery(guid, by=visit.actor)))


def may_resend(found: Delivery, actor: Actor) -> bool:
    """Whether sending a delivery again can be offered."""
    is_builder = actor.has(features.WEBHOOKS)
    return is_builder and found.subscription.ended_at is None and queries.standing(found) != State.SENDING


def _subscription_page(found: Delivery, actor: Actor) -> str:
    """The address of the page of the subscription, for who may look at it."""
    is_builder = actor.has(features.WEBHOOKS)
    is_there = is_builder and found.subscription.ended_at is None
    return reverse("subscription", args=[found.subscription.guid]) if is_there else ""


def _explain(found: Delivery, told: Event | None, actor: Actor) -> str:
    """The address that explains the delivery of an event, for who may ask that."""
    has_page = told is not None and _subscription_page(found, actor)
    return explain_address(found.subscription, found.guid) if has_page else ""


def _record(found: Delivery, told: Event | None) -> str:
    """The address of the page of the record, for the kinds that have one."""
    has_page = told is not None and told.record_type == ObjectType.PACKET
    return reverse("work-item", args=[found.record_guid]) if has_page else ""


def _attempts(tried: Sequence[Attempt], shown: Attempt | None, of: Delivery) -> tuple[Tried, ...]:
    longest = max((one.duration for one in tried), default=0.0) or 1.0
    before = [None, *tried]
    return tuple(
        Tried(
            number=one.number,
            moment=one.started_at,
            result=result_of(one),
            waited=brief(one.started_at - earlier.started_at) if earlier is not None else "",
            bar=_bar(one, longest),
            address=f"{address_of(of)}?attempt={one.number}",
            is_shown=one is shown,
        )
        for earlier, one in zip(before, tried, strict=False)
    )


def _bar(attempt: Attempt, longest: float) -> tuple[Piece, ...]:
    """How long an attempt took beside the longest, step by step where those were timed."""
    whole = round(attempt.duration * 1_000_000)
    steps = steps_of(attempt) or ((charts.Series("", result_of(attempt).tone or "run"), whole),)
    scale = max(2.0, BAR * attempt.duration / longest) / (sum(took for _step, took in steps) or 1)
    x, pieces = 0.0, []
    for step, microseconds in steps:
        pieces.append(Piece(step.tone, round(x, 1), round(max(1.0, microseconds * scale), 1)))
        x += microseconds * scale
    return tuple(pieces)


def _legend(tried: Sequence[Attempt]) -> tuple[charts.Series, ...]:
    """What the colours of the bars mean, of the steps there are."""
    there = {step.tone for one in tried for step, _took in steps_of(one)}
    return tuple(step for step in (*STEPS, REST, FAILED) if step.tone in there)


def _exchange(found: Delivery, attempt: Attempt | None) -> Exchange:
    subscription = found.subscription
    body = _body(found, subscription)
    headers = messages.headers_of(attempt) if attempt is not None else {}
    answer = bytes(attempt.answer_head).decode(errors="replace") if attempt is not None else ""
    return Exchange(
        number=attempt.number if attempt is not None else 0,
        headers="\n".join(f"{name}: {value}" for name, value in headers.items()),
        body=_pretty(body),
        size=len(body),
        answer=_pretty(answer.encode()) if answer else "",
        result=result_of(attempt) if attempt is not None else None,
        timings=timings_of(attempt) if attempt is not None else None,
        as_curl=_as_curl(subscription.url, headers, body),
    )


def _body(found: Delivery, subscription: Subscription) -> bytes:
    return messages.wrap(subscription.format, webhooks()[subscription.webhook], messages.event_body(found))


def _pretty(text: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return text.decode(errors="replace")


def _as_curl(url: str, headers: dict[str, str], body: bytes) -> str:
    """The request as a command line; what is secret stays masked."""
    lines = [f"curl -X POST {shlex.quote(url)}"]
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return " \\\n".join([*lines, f"  --data-raw {shlex.quote(body.decode())}"])


def _checks(found: Delivery, event: Event | None, actor: Actor) -> tuple[Check, ...]:
    """What decides now, for who may ask that of a subscription there is."""
    of, shown = found.subscription, event if is_seen(found) else None
    if event is None or of.ended_at is not None or not actor.has(features.WEBHOOKS):
        return ()
    told = repair.explain(of.guid, by=actor, event_guid=event.guid)
    passed, failed = parts.State("circle-check", _("Holds"), "ok"), parts.State("circle-x", _("Holds not"), "bad")
    return tuple(
        Check(
            passed if one.passed else failed,
            CHECKS.get(one.code, one.code),
            one.said.sentence(),
            "" if one.passed else why_address(of, one.code, shown, by=actor),
        )
        for one in told.checks
    )
