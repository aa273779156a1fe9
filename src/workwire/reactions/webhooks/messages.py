"""What goes over the wire: body, headers and signature of one attempt, and the rules for a subscriber's own header.

Source: specification, webhooks, sections 3 and 4; Standard Webhooks; CloudEvents 1.0 (structured mode, JSON format).
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, NamedTuple, cast

import orjson
from django.conf import settings

from workwire import __version__
from workwire.kernel import clock, crypto, ids
from workwire.kernel.errors import Invalid
from workwire.outbox import restores
from workwire.outbox.models import Event
from workwire.outbox.registry import SAMPLE_ACTOR, Envelope, Webhook, body_of, event_types, webhooks
from workwire.outbox.told_records import told_by
from workwire.reactions.webhooks import signing
from workwire.reactions.webhooks.models import Attempt, Delivery, Format, Subscription
from workwire.reactions.webhooks.rights import Content

USER_AGENT = f"Workwire/{__version__}"
LONGEST_HEADER_VALUE = 4096
MASK = "•••"
CONTENT_TYPES: dict[str, str] = {
    Format.PLAIN: "application/json",
    Format.STANDARD: "application/json",
    Format.CLOUDEVENTS: "application/cloudevents+json",
}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}\Z")
_RESERVED = frozenset(
    (
        "host content-length content-type content-encoding transfer-encoding connection keep-alive proxy-connection "
        "te trailer upgrade expect user-agent accept-encoding date via forwarded x-forwarded-for x-forwarded-host "
        "x-forwarded-proto http2-settings"
    ).split()
)


class Message(NamedTuple):
    """One attempt, ready to be sent; `sent` is what the log keeps of its headers (see `headers_of`)."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    sent: str


class Writer:
    """Writes the messages of one subscription at one moment. `tls` is the certificate that goes with them, its key, and the
    authorities, where the subscription says anything of these.

    Raises cryptography.fernet.InvalidToken for a secret that no key of this installation opens.
    """

    def __init__(self, to: Subscription, at: datetime) -> None:
        self._to, self._subscription = to, to.guid.bytes
        self._hooks: dict[str | None, Webhook] = {None: webhooks()[to.webhook]}
        self._seconds = int(at.timestamp())
        self._keys = [signing.key_of(secret) for secret in valid_secrets(to, at)]
        self._standing = (
            ("Content-Type", CONTENT_TYPES[to.format]),
            ("User-Agent", USER_AGENT),
            ("Webhook-Subscription", str(to.guid)),
            ("Webhook-Timestamp", str(self._seconds)),
        )
        own = ((to.header_name, crypto.unseal(to.header_value_sealed)),) if to.header_name else ()
        self._own: tuple[tuple[str, str], ...] = own
        key = crypto.unseal(to.client_key_sealed) if to.client_key_sealed else ""
        has_tls_terms = to.client_certificate or to.authorities
        self.tls = (to.client_certificate, key, to.authorities) if has_tls_terms else None
        self._sent = f"{USER_AGENT}|{to.format}|{{}}{{}}|{to.header_name}"

    def write(self, content: Content) -> Message:
        """The attempt that follows a delivery's last."""
        hook = self._hooks.get(content.name) or self._learn(content.name)
        body = wrap(self._to.format, hook, content.body)
        message_id = webhook_id(content.source, self._subscription)
        headers: tuple[tuple[str, str], ...] = (
            *self._standing,
            ("Webhook-Event", hook.name),
            ("Webhook-Id", message_id),
            ("Webhook-Signature", signing.signature(self._keys, message_id, self._seconds, body)),
            ("Webhook-Attempt", str(content.attempts + 1)),
        )
        marks = ""
        if content.is_test:
            headers, marks = (*headers, ("Webhook-Test", "true")), "T"
        if content.is_replay:
            headers, marks = (*headers, ("Webhook-Replay", "true")), marks + "R"
        return Message(body, (*headers, *self._own), self._sent.format(hook.number, marks))

    def _learn(self, name: str | None) -> Webhook:
        """The webhook an event is told as: the subscription's, or the event's own where the subscription was for another one
        when its delivery was written."""
        of_event, present = event_types()[str(name)].webhooks, self._hooks[None]
        return self._hooks.setdefault(name, present if present in of_event else of_event[0])


def headers_of(attempt: Attempt) -> dict[str, str]:
    """The headers an attempt was made with, for the log: the signature and the subscriber's own value are masked. Its
    delivery must be loaded with subscription and event; empty for an attempt that never went out."""
    if not attempt.sent:
        return {}
    agent, form, marks, own = attempt.sent.split("|", 3)
    delivery = attempt.delivery
    headers = {
        "Content-Type": CONTENT_TYPES[form],
        "User-Agent": agent,
        "Webhook-Subscription": str(delivery.subscription.guid),
        "Webhook-Event": webhooks()[int(marks.rstrip("TR"))].name,
        "Webhook-Id": message_id_of(delivery),
        "Webhook-Timestamp": str(int(attempt.started_at.timestamp())),
        "Webhook-Signature": MASK,
        "Webhook-Attempt": str(attempt.number),
    }
    headers |= {"Webhook-Test": "true"} if "T" in marks else {}
    headers |= {"Webhook-Replay": "true"} if "R" in marks else {}
    return headers | ({own: MASK} if own else {})


def was_replay(sent: str) -> bool:
    """Whether the attempt that noted this as `sent` went out with ``Webhook-Replay``."""
    return bool(sent) and "R" in sent.split("|", 3)[2]


def message_id_of(delivery: Delivery) -> str:
    """The id of a delivery's message; subscription and event must be loaded."""
    source = delivery.event.guid if delivery.event else delivery.guid
    return webhook_id(source.bytes, delivery.subscription.guid.bytes)


def webhook_id(source: bytes, subscription: bytes) -> str:
    """The id of a message: the same for every attempt, resend and replay of one event (or test) to one subscription."""
    return "msg_" + hashlib.sha256(source + subscription).hexdigest()[:32]


def event_body(delivery: Delivery) -> str:
    """The documented JSON of the delivery's event, or of its test."""
    return delivery.event.body if delivery.event else delivery.test_body


def told_of(delivery: Delivery) -> tuple[str, str]:
    """Reference and title of the record of the delivery's event, as of then; empty where it had none. A communication has the
    reference of its work item."""
    body: dict[str, Any] = orjson.loads(event_body(delivery))
    told = told_by(body)
    return told.reference or getattr(delivery, "item_reference", None) or "", told.title


def wrap(form: str, hook: Webhook, body: str) -> bytes:
    """The body in a subscription's format; its content type is in `CONTENT_TYPES`."""
    if form == Format.PLAIN:
        return body.encode()
    data: dict[str, Any] = orjson.loads(body)
    if form == Format.STANDARD:
        wrapped = {"type": hook.name, "timestamp": data["OccurredAt"], "data": data}
    else:
        wrapped = {
            "specversion": "1.0",
            "id": data["EventID"],
            "source": f"/workwire/{settings.CONFIG.instance_name}",
            "type": f"workwire.{hook.name}",
            "subject": data["GUID"],
            "time": data["OccurredAt"],
            "datacontenttype": "application/json",
            "data": data,
        }
    return orjson.dumps(wrapped)


def sample(hook: Webhook) -> dict[str, Any]:
    """A believable body of a webhook's message, envelope included, fresh at every call."""
    envelope = Envelope(
        EventID=str(ids.new_guid()),
        OccurredAt=clock.rfc3339(clock.now()) or "",
        Sequence=1,
        Epoch=restores.epoch(),
        ChangedBy=SAMPLE_ACTOR,
    )
    return body_of(hook).sample().model_dump(mode="json") | envelope.model_dump()


def sample_body(webhook: int) -> str:
    """The JSON of a sample of a webhook."""
    return orjson.dumps(sample(webhooks()[webhook])).decode()


def test_body(event: Event) -> str:
    """The JSON of what an event told, for a test: under an EventID of its own, so that a receiver that remembers those does
    not take the message of the event for a repetition."""
    body: dict[str, Any] = orjson.loads(event.body)
    return orjson.dumps(body | {"EventID": str(ids.new_guid())}).decode()


def valid_secrets(subscription: Subscription, at: datetime) -> list[str]:
    """The secrets that sign at a moment, newest first."""
    return [
        crypto.unseal(entry["sealed"])
        for entry in cast("list[dict[str, str]]", subscription.secrets)
        if not entry["expires_at"] or datetime.fromisoformat(entry["expires_at"]) > at
    ]


def check_header(name: str, value: str) -> tuple[str, str]:
    """The subscriber's own header, trimmed; raises Invalid for one that would break HTTP or forge ours."""
    name, value = name.strip(), value.strip()
    if not name and not value:
        return "", ""
    if not _TOKEN.match(name):
        raise Invalid(
            "header_name_invalid",
            field="header_name",
        )
    if name.lower() in _RESERVED or name.lower().startswith(("webhook-", "proxy-", "sec-")):
        raise Invalid("header_name_reserved", field="header_name", name=name)
    if not value:
        raise Invalid("header_value_missing", field="header_value")
    if len(value) > LONGEST_HEADER_VALUE or not all(" " <= char <= "~" or char == "\t" for char in value):
        raise Invalid(
            "header_value_invalid",
            field="header_value",
            most=LONGEST_HEADER_VALUE,
        )
    return name, value
