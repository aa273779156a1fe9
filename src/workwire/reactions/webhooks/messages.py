"""What goes over the wire: body, headers and signature of one attempt, and the rules for a subscriber's own header.

Source: specification, webhooks, sections 3 and 4; Standard Webhooks; CloudEvents 1.0 (structured mode, JSON format).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson
from django.conf import settings

from workwire import __version__
from workwire.kernel import clock, crypto, ids
from workwire.kernel.errors import Invalid
from workwire.outbox.registry import Envelope, Webhook, body_of, webhooks
from workwire.reactions.webhooks import signing
from workwire.reactions.webhooks.models import Delivery, Format, Subscription

USER_AGENT = f"Workwire/{__version__}"
LONGEST_HEADER_VALUE = 4096
MASK = "•••"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}\Z")
_RESERVED = frozenset(
    (
        "host content-length content-type content-encoding transfer-encoding connection keep-alive proxy-connection "
        "te trailer upgrade expect user-agent accept-encoding date via forwarded x-forwarded-for x-forwarded-host "
        "x-forwarded-proto http2-settings"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt, ready to be sent."""

    body: bytes
    headers: tuple[tuple[str, str], ...]

    def masked_headers(self) -> dict[str, str]:
        """The headers for the log; signatures and the subscriber's own value are masked."""
        ours = {name for name, _ in self.headers if name.startswith("Webhook-")} | {
            "Content-Type",
            "User-Agent",
        }
        return {name: value if name in ours and name != "Webhook-Signature" else MASK for name, value in self.headers}


def compose(delivery: Delivery, *, at: datetime) -> Message:
    """Build the attempt that follows the delivery's last; `subscription` and `event` must be loaded."""
    subscription = delivery.subscription
    hook = webhooks()[subscription.webhook]
    body, content_type = wrap(subscription.format, hook, event_body(delivery))
    message_id, seconds = webhook_id(delivery), int(at.timestamp())
    headers = [
        ("Content-Type", content_type),
        ("User-Agent", USER_AGENT),
        ("Webhook-Subscription", str(subscription.guid)),
        ("Webhook-Event", hook.name),
        ("Webhook-Id", message_id),
        ("Webhook-Timestamp", str(seconds)),
        ("Webhook-Signature", signing.sign(valid_secrets(subscription, at), message_id, seconds, body)),
        ("Webhook-Attempt", str(delivery.attempts + 1)),
    ]
    if delivery.event_id is None:
        headers.append(("Webhook-Test", "true"))
    if delivery.is_replay:
        headers.append(("Webhook-Replay", "true"))
    if subscription.header_name:
        headers.append((subscription.header_name, crypto.unseal(subscription.header_value_sealed)))
    return Message(body, tuple(headers))


def webhook_id(delivery: Delivery) -> str:
    """The id of the message: the same for every attempt, resend and replay of one event to one subscription."""
    source = delivery.event.guid if delivery.event else delivery.guid
    return "msg_" + hashlib.sha256(source.bytes + delivery.subscription.guid.bytes).hexdigest()[:32]


def event_body(delivery: Delivery) -> str:
    """The documented JSON of the delivery's event, or of its test."""
    return delivery.event.body if delivery.event else delivery.test_body


def wrap(form: str, hook: Webhook, body: str) -> tuple[bytes, str]:
    """The body in a subscription's format, and its content type."""
    if form == Format.PLAIN:
        return body.encode(), "application/json"
    data: dict[str, Any] = orjson.loads(body)
    if form == Format.STANDARD:
        return orjson.dumps({"type": hook.name, "timestamp": data["OccurredAt"], "data": data}), "application/json"
    envelope = {
        "specversion": "1.0",
        "id": data["EventID"],
        "source": f"/workwire/{settings.CONFIG.instance_name}",
        "type": f"workwire.{hook.name}",
        "subject": data["GUID"],
        "time": data["OccurredAt"],
        "datacontenttype": "application/json",
        "data": data,
    }
    return orjson.dumps(envelope), "application/cloudevents+json"


def sample(hook: Webhook) -> dict[str, Any]:
    """A believable body of a webhook's message, envelope included, fresh at every call."""
    envelope = Envelope(EventID=str(ids.new_guid()), OccurredAt=clock.rfc3339(clock.now()) or "", Sequence=1)
    return body_of(hook).sample().model_dump(mode="json") | envelope.model_dump()


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
            "A header name consists of letters, digits and hyphens.",
            field="CustomHeader",
        )
    if name.lower() in _RESERVED or name.lower().startswith(("webhook-", "proxy-", "sec-")):
        raise Invalid(
            "header_name_reserved", f"The header {name} belongs to HTTP or to Workwire.", field="CustomHeader"
        )
    if not value:
        raise Invalid("header_value_missing", "A custom header needs a value.", field="CustomHeaderValue")
    if len(value) > LONGEST_HEADER_VALUE or not all(" " <= char <= "~" or char == "\t" for char in value):
        raise Invalid(
            "header_value_invalid",
            f"A header value is at most {LONGEST_HEADER_VALUE} printable ASCII characters.",
            field="CustomHeaderValue",
        )
    return name, value
