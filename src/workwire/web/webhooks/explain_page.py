"""The page that says why a message was sent or was not: each check, where it stands, its body, and what is new in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.kernel.actor import Actor
from workwire.kernel.ids import parse_guid
from workwire.kernel.wording import say
from workwire.reactions.webhooks import messages, queries, repair, rights
from workwire.reactions.webhooks.models import Delivery, State, Subscription
from workwire.reactions.webhooks.repair import Explanation
from workwire.rooms.work import lists
from workwire.rooms.work import queries as work
from workwire.web.kit import parts
from workwire.web.kit.named_records import record_named
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, Words, address
from workwire.web.webhooks.body_difference import Difference, differences
from workwire.web.webhooks.delivery_page import CHECKS, Check, may_resend
from workwire.web.webhooks.delivery_parts import address_of, is_seen
from workwire.web.webhooks.repair_parts import (
    Head,
    explain_address,
    head,
    replay_address,
    why_address,
)

LONGEST, SHOWN = 200, 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the message, in a sentence, and what to do about it."""

    tone: str
    icon: str
    title: Words
    sentence: Words
    step: Link | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """The event as the subscription would be told of it, and what is new in it."""

    event: str
    number: str
    occurred_at: datetime
    webhook: str
    body: str
    compared_with: Link | None
    differences: tuple[Difference, ...]
    record: str


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation; `test` is the GUID of the event where it can be sent as a test."""

    verdict: Verdict
    checks: tuple[Check, ...]
    message: Message | None
    delivery: str
    resend: str
    test: str


@dataclass(frozen=True, slots=True)
class ExplainPage:
    """What the page shows: the explanation of what was asked for, or records that may be meant."""

    head: Head
    crumbs: tuple[Link, ...]
    about: str
    told: Told | None
    found: tuple[Link, ...]
    is_unknown: bool
    simulate: str
    zone: str


@page("webhooks/explain.html")
def subscription_explain(visit: Visit, guid: UUID) -> ExplainPage:
    """Explain what the address names: a record, an event or a delivery."""
    found, actor = queries.subscription(guid, by=visit.actor), visit.actor
    about = visit.asked("about", LONGEST)
    told = _told(found, about, actor) if about else None
    hits = _search(found, about, actor) if about and told is None else ()
    top = head(found, "subscription-explain")
    return ExplainPage(
        head=top,
        crumbs=top.crumbs,
        about=about,
        told=told,
        found=hits,
        is_unknown=bool(about) and told is None and not hits,
        simulate=reverse("subscription-simulate", args=[guid]),
        zone=visit.look.zone_name,
    )


def _told(of: Subscription, about: str, actor: Actor) -> Told | None:
    """The explanation of what a text names; None when it names nothing."""
    guid = parse_guid(about)
    delivery = queries.deliveries_visible_to(actor).filter(guid=guid, subscription=of).first() if guid else None
    event = delivery.told_event if delivery is not None else None
    if event is not None:
        told = repair.explain(of.guid, by=actor, event_guid=event.guid)
        return _explained(of, told, repair.delivery_of(event, of.guid, by=actor), actor)
    record = record_named(about, actor)
    if record is None:
        return None
    told = repair.explain(of.guid, by=actor, record_guid=record)
    if told.event is None and guid is not None:
        told = repair.explain(of.guid, by=actor, event_guid=guid)
    delivery = repair.delivery_of(told.event, of.guid, by=actor) if told.event is not None else None
    return _explained(of, told, delivery, actor)


def _explained(of: Subscription, told: Explanation, delivery: Delivery | None, actor: Actor) -> Told:
    return Told(
        verdict=_verdict(of, told, delivery),
        checks=_checks(of, told, delivery, actor),
        message=_message(of, told, actor),
        delivery=address_of(delivery) if delivery is not None else "",
        resend=reverse("delivery-resend", args=[delivery.guid])
        if delivery is not None and told.would_be_sent and may_resend(delivery, actor)
        else "",
        test=str(told.event.guid) if told.event is not None and told.would_be_sent else "",
    )


def _verdict(of: Subscription, told: Explanation, delivery: Delivery | None) -> Verdict:
    """What became of the message and what would become of it now."""
    standing = queries.standing(delivery) if delivery is not None else None
    if standing == State.DELIVERED:
        return Verdict("ok", "circle-check", _("It was delivered"), _("The endpoint took the message."))
    failed = next((one for one in told.checks if not one.passed), None)
    if failed is not None:
        return Verdict("warn", "lock", _("It would not be sent"), _sentence(failed, delivery))
    if delivery is None:
        return _never_prepared(of, told)
    if standing == State.WITHHELD:
        reason = say(delivery.end_reason, {}) if delivery.end_reason in rights.REASONS else ""
        words = _("It was withheld when its turn came. As things are now it would be sent: send it again.")
        return Verdict("", "lock", _("It was withheld"), f"{reason} {words}".strip())
    if standing == State.GAVE_UP:
        words = _("No attempt succeeded, and there are no more. Mend the endpoint, then send it again.")
        step = Link(_("Send again what gave up"), replay_address(of, {"states": "gave_up"}))
        return Verdict("bad", "circle-x", _("It was given up"), words, step)
    if of.paused_at is not None:
        words = _("It waits, because the subscription is paused. It goes out when you resume.")
        return Verdict("warn", "circle-pause", _("It waits"), words)
    words = _("It is under way or waits for its next attempt.")
    return Verdict("", "contrast", _("It is not delivered yet"), words)


def _never_prepared(of: Subscription, told: Explanation) -> Verdict:
    event = told.event
    since = {"kind": "backfill", "since": event.occurred_at.isoformat()} if event is not None else {"kind": "backfill"}
    words = _(
        "The log has no message of it: it happened before the subscription was there, is being prepared at this moment, or "
        "is older than the log. What was never prepared can be sent."
    )
    step = Link(_("Send what was never prepared"), replay_address(of, since))
    return Verdict("warn", "triangle-alert", _("It would be sent, but was not prepared"), words, step)


def _checks(of: Subscription, told: Explanation, delivery: Delivery | None, actor: Actor) -> tuple[Check, ...]:
    event = told.event or (delivery.told_event if delivery is not None and is_seen(delivery) else None)
    shown = tuple(
        Check(
            _state(one.passed),
            CHECKS.get(one.code, one.code),
            _sentence(one, delivery),
            "" if one.passed else why_address(of, one.code, event, by=actor),
        )
        for one in told.checks
    )
    if of.paused_at is None:
        paused = _("Messages go out as they come.")
    else:
        reason = say(of.pause_reason, {}) if of.pause_reason else _("It is paused.")
        paused = f"{reason} {_('What would be sent waits until it is resumed.')}"
    takes = (
        _("It has taken no message since it began to fail.") if of.failing_since else _("Nothing is known against it.")
    )
    return (
        *shown,
        Check(_state(of.paused_at is None), _("The subscription is not paused"), paused),
        Check(_state(of.failing_since is None), _("The endpoint takes messages"), takes),
    )


def _state(passed: bool) -> parts.State:
    return parts.State("circle-check", _("Holds"), "ok") if passed else parts.State("circle-x", _("Holds not"), "bad")


def _sentence(one: repair.Check, delivery: Delivery | None) -> str:
    """What a check says; of a delivery it is known that there is an event."""
    if delivery is not None and one.code == rights.RECORD_INVISIBLE and not one.passed:
        return say(rights.RECORD_INVISIBLE, {})
    return one.sentence


def _message(of: Subscription, told: Explanation, actor: Actor) -> Message | None:
    event = told.event
    if event is None:
        return None
    before = repair.last_message_before(event, of.guid, by=actor)
    return Message(
        event=str(event.guid),
        number=str(event.sequence),
        occurred_at=event.occurred_at,
        webhook=event.name,
        body=orjson.dumps(told.body, option=orjson.OPT_INDENT_2).decode(),
        compared_with=Link(_("the last message that was delivered"), address_of(before))
        if before is not None
        else None,
        differences=differences(messages.event_body(before), event.body) if before is not None else (),
        record=address(reverse("subscription-reconcile", args=[of.guid]), {"record": str(event.record_guid)}),
    )


def _search(of: Subscription, text: str, actor: Actor) -> tuple[Link, ...]:
    """The work items a text may stand for."""
    found = lists.narrowed(work.items_visible_to(actor), lists.Wanted(text=text)).order_by("-pk")[:SHOWN]
    return tuple(
        Link(f"{item.reference or ''} {item.title or _('(no title)')}".strip(), explain_address(of, item.guid))
        for item in found
    )
