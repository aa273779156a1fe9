"""Subscriptions to webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from workwire.access import features
from workwire.access.policy import require
from workwire.access.sight import filter_objects
from workwire.kernel.errors import NotFound
from workwire.kernel.ids import NIL
from workwire.kernel.wording import statement
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import catalogue, commands, queries, repair
from workwire.reactions.webhooks.models import State
from workwire.webapi import record_bodies
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation


@operation("WebHookSubscription/GetAvailableWebhooks", "GET", family="webhook")
def get_available_webhooks(_call: Call) -> list[dict[str, Any]]:
    """List all webhooks."""
    return [
        {
            "Webhook": entry["name"],
            "Number": entry["number"],
            "Description": entry["description"],
            "FiresWhen": entry["fires_when"],
            "Filters": [
                {
                    "FilterObjectType": wanted["type"],
                    "Number": wanted["number"],
                    "FilterObjectGUIDRequired": wanted["guid_required"],
                }
                for wanted in entry["filters"]
            ],
            "Schema": entry["schema"],
            "Sample": entry["sample"],
        }
        for entry in catalogue.entries()
    ]


@operation("WebHookSubscription/SubscribeToWebhook", "POST", family="webhook", enveloped=True)
def subscribe_to_webhook(call: Call) -> dict[str, Any]:
    """Create a subscription; only this answer holds the whole secret, as `Signature`."""
    require(call.actor, features.WEBHOOKS)
    hook, filter_type = _webhook(call), _filter_type(call) or ObjectType.NONE
    terms = commands.Terms(
        webhook=hook,
        url=_url(call),
        filter_type=filter_type,
        filter_guid=_filter_guid(call, hook, filter_type),
        header_name=call.text("CustomHeader") or "",
        header_value=call.text("CustomHeaderValue"),
    )
    with _wrong_value():
        made, secret = commands.subscribe(terms, by=call.actor, allow_everything=False)
    return record_bodies.subscription(made, secret=secret)


@operation("WebHookSubscription/UpdateWebhookSubscription", "POST", family="webhook", enveloped=True)
def update_webhook_subscription(call: Call) -> dict[str, Any]:
    """Change a subscription; what is left out stays."""
    require(call.actor, features.WEBHOOKS)
    guid = call.guid("GUID")
    changes: dict[str, Any] = {}
    if call.value("Webhook") not in (None, ""):
        changes["webhook"] = _webhook(call)
    present = queries.subscription(guid, by=call.actor)
    hook = changes.get("webhook", present.webhook)
    if (filter_type := _filter_type(call)) is not None:
        changes["filter_type"] = filter_type
        changes["filter_guid"] = _filter_guid(call, hook, filter_type)
    elif call.value("FilterObjectGUID") not in (None, ""):
        changes["filter_guid"] = _filter_guid(call, hook, ObjectType(present.filter_type))
    if call.value("SubscriberURL") not in (None, ""):
        changes["url"] = _url(call)
    if (name := call.text("CustomHeader")) is not None:
        changes["header_name"] = name
    value = call.text("CustomHeaderValue")
    if value is not None and value != record_bodies.MASK:
        changes["header_value"] = value
    with _wrong_value():
        return record_bodies.subscription(commands.update(guid, by=call.actor, allow_everything=False, **changes))


@operation("WebHookSubscription/Unsubscribe", "POST", family="webhook", enveloped=True)
def unsubscribe(call: Call) -> bool:
    """Delete a subscription for good."""
    require(call.actor, features.WEBHOOKS)
    commands.unsubscribe(call.guid("webHookSubscriptionGUID"), by=call.actor)
    return True


@operation("WebHookSubscription/GetAllWebhookSubscriptions", "GET", family="webhook")
def get_all_webhook_subscriptions(call: Call) -> list[dict[str, Any]]:
    """List the caller's subscriptions; administrators get those of all accounts."""
    require(call.actor, features.WEBHOOKS)
    return [record_bodies.subscription(row) for row in queries.subscriptions_of(call.actor).order_by("-pk")]


@operation("WebHookSubscription/GetWebhookSubscription", "GET", family="webhook", absent=400)
def get_webhook_subscription(call: Call) -> dict[str, Any]:
    """Get one subscription."""
    require(call.actor, features.WEBHOOKS)
    return record_bodies.subscription(queries.subscription(call.guid("WebhookSubscriptionGUID"), by=call.actor))


@operation("WebHookTest/SimulateEvent", "GET", family="webhook", absent=400, changes=True)
def simulate_event(call: Call) -> dict[str, Any]:
    """Send a sample message and return what the endpoint answered."""
    require(call.actor, features.WEBHOOKS)
    delivery = repair.try_out(call.guid("webHookSubscriptionGUID"), by=call.actor)
    attempt = queries.attempts(delivery).last()
    state = State(delivery.state)
    if attempt is not None:
        said = (
            statement("simulated.answered", status=attempt.status)
            if attempt.status
            else statement("simulated.unanswered", detail=queries.detail_of(attempt))
        )
    elif state == State.WITHHELD:
        said = statement("simulated.withheld", reason=delivery.end_reason)
    else:
        said = statement("simulated.no_worker_asked")
    return record_bodies.present(
        {
            "Success": state == State.DELIVERED,
            "Message": said.sentence(),
            "StatusCode": attempt.status if attempt else None,
            "ResponseBody": bytes(attempt.answer_head).decode(errors="replace") if attempt else None,
            "DurationMS": round(attempt.duration * 1000, 1) if attempt else None,
            "DeliveryGUID": str(delivery.guid),
        }
    )


def _webhook(call: Call) -> int:
    value = call.value("Webhook")
    if value is None or value == "":
        raise Malformed("webhook_missing", field="Webhook")
    found = catalogue.by_name_or_number(value) if isinstance(value, (str, int)) else None
    if found is None:
        raise Malformed("webhook_unknown.value", field="Webhook", value=str(value)[:60])
    return found.number


def _filter_type(call: Call) -> ObjectType | None:
    value = call.value("FilterObjectType")
    if value is None or value == "":
        return None
    written = str(value).strip().lower()
    for kind in (ObjectType.NONE, *(one.type for one in filter_objects())):
        if written in (kind.public_name.lower(), str(int(kind))):
            return kind
    raise Malformed(
        "filter_type_unknown",
        field="FilterObjectType",
    )


def _filter_guid(call: Call, hook: int, filter_type: ObjectType) -> UUID | None:
    """The filter object; where the type takes none, the GUID of all zeros is the documented way to name none."""
    guid = call.optional_guid("FilterObjectGUID")
    takes_none = filter_type == ObjectType.NONE or not webhooks()[hook].needs_guid
    return None if guid == NIL and takes_none else guid


@contextmanager
def _wrong_value() -> Iterator[None]:
    """A filter object that is not there is a wrong value here; only a subscription is *not found*."""
    try:
        yield
    except NotFound as error:
        if error.code != "filter_object_not_found":
            raise
        raise error.as_a(Malformed) from error


def _url(call: Call) -> str:
    url = call.text("SubscriberURL")
    if not url:
        raise Malformed("url_missing", field="SubscriberURL")
    return url.strip()
