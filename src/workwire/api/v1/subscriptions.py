"""Webhooks: what can be subscribed to, subscriptions, trying out and putting right."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from workwire.api import etags
from workwire.api.auth import subscriber
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.positions import Position, place_of
from workwire.api.v1.shapes import (
    LEFT_OUT,
    Guid,
    In,
    Listing,
    Maybe,
    Moment,
    StatementOut,
    answers,
    given,
    listing,
    rfc3339,
    stated,
    whole,
)
from workwire.api.v1.spelling import FilterName, StateName, chosen, spelled
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, not_found
from workwire.kernel.pages import page
from workwire.kernel.wording import statement
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Webhook, webhooks
from workwire.reactions.webhooks import catalogue, commands, queries, repair, rotation, signing, tls_terms
from workwire.reactions.webhooks.messages import MASK
from workwire.reactions.webhooks.models import State
from workwire.reactions.webhooks.tls_terms import LONGEST_KEY, LONGEST_PEM

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription

router = Router(tags=["webhooks"])
Pem = Annotated[str, Field(max_length=LONGEST_PEM)]


class WebhookOut(Schema):
    """A webhook of the catalogue."""

    name: str
    number: int
    other_names: list[str]
    description: str
    fires_when: str
    filters: list[dict[str, Any]]
    body_schema: dict[str, Any] = Field(alias="schema")
    sample: dict[str, Any]


class SubscriptionIn(In):
    """A subscription to make. Without a filter, a packet webhook means everything the account may see. With `after`, a
    position that `GET /position` gave, it gets every event behind that, and none before."""

    webhook: str
    url: str = Field(max_length=2048)
    filter_type: FilterName | None = None
    filter_guid: UUID | None = None
    format: Literal["plain", "standard", "cloudevents"] = "plain"
    header_name: str = ""
    header_value: str = ""
    in_order: bool = False
    retry_schedule: list[int] | None = None
    most_per_second: int | None = Field(
        None, description="Messages a second at most, 1 to 10,000; null for any number."
    )
    client_certificate: str = Field(
        "", max_length=LONGEST_PEM, description="Certificate to show to the endpoint, and its chain, in PEM."
    )
    client_key: str = Field(
        "",
        max_length=LONGEST_KEY,
        description="Its private key in PEM, without a passphrase; RSA of at most 4096 bits.",
    )
    authorities: str = Field(
        "",
        max_length=LONGEST_PEM,
        description="Certificates in PEM that the endpoint is trusted by instead of the installation's.",
    )
    after: Position | None = None
    secret: str | None = Field(None, max_length=200, description="A secret of one's own; by default one is made.")


class SubscriptionChange(In):
    """Changes to a subscription; what is left out stays."""

    webhook: str = LEFT_OUT
    url: Annotated[str, Field(max_length=2048)] = LEFT_OUT
    filter_type: FilterName | None = LEFT_OUT
    filter_guid: UUID | None = LEFT_OUT
    format: Literal["plain", "standard", "cloudevents"] = LEFT_OUT
    header_name: str = LEFT_OUT
    header_value: str = LEFT_OUT
    in_order: bool = LEFT_OUT
    retry_schedule: list[int] | None = LEFT_OUT
    most_per_second: int | None = LEFT_OUT
    client_certificate: Pem = LEFT_OUT
    client_key: Annotated[str, Field(max_length=LONGEST_KEY)] = LEFT_OUT
    authorities: Pem = LEFT_OUT


class CertificateOut(Schema):
    """A certificate: whose it is, who signed it, until when it is valid, and its fingerprint in hexadecimal digits."""

    subject: str
    issuer: str
    not_after: Moment
    sha256: str


class SubscriptionOut(Schema):
    """A subscription; neither its secret nor the value of its own header nor the key of its certificate."""

    guid: Guid
    owner: Guid
    webhook: str
    url: str
    filter_type: FilterName | None
    filter_guid: Guid | None
    format: str
    header_name: str | None
    in_order: bool
    retry_schedule: list[int] | None
    most_per_second: int | None
    client_certificate: CertificateOut | None
    authorities: list[CertificateOut]
    paused_at: Moment | None
    pause_reason: str | None
    pause: StatementOut | None
    failing_since: Moment | None
    access_lost_at: Moment | None
    created_at: Moment
    version: int


class SubscriptionMade(SubscriptionOut):
    """A subscription with its secret, shown this once; one that was brought is shown masked."""

    secret: str | None = None


class Rotation(In):
    """For how many hours the old secret stays valid, and a new one of one's own instead of one that is made."""

    overlap_hours: float | None = Field(None, ge=0, le=720)
    secret: str | None = Field(None, max_length=200)


class SimulationOut(Schema):
    """How a test message went."""

    succeeded: bool
    state: StateName
    withheld_reason: str | None
    end: StatementOut | None
    status: int | None
    detail: str
    delivery: Guid


class CheckOut(Schema):
    """One condition of sending."""

    code: str
    parameters: dict[str, Any]
    passed: bool
    sentence: str


class ExplanationOut(Schema):
    """Whether an event would be sent, what decides, and the body it would carry."""

    would_be_sent: bool
    checks: list[CheckOut]
    body: dict[str, Any] | None


@router.get("/webhooks", response=answers(Listing[WebhookOut]), operation_id="list_webhooks", by_alias=True)
def list_webhooks(request: HttpRequest) -> dict[str, Any]:
    """List all webhooks."""
    return whole(catalogue.entries())


@router.get("/webhooks/{name}", response=answers(WebhookOut), operation_id="get_webhook", by_alias=True)
def get_webhook(request: HttpRequest, name: str) -> dict[str, Any]:
    """Get one webhook by name or number."""
    hook = catalogue.by_name_or_number(name)
    if hook is None:
        raise not_found("webhook")
    return next(entry for entry in catalogue.entries() if entry["number"] == hook.number)


@router.get("/subscriptions", response=answers(Listing[SubscriptionOut]), operation_id="list_subscriptions")
def list_subscriptions(request: HttpRequest, paging: Query[PageQuery]) -> dict[str, Any]:
    """List your subscriptions; administrators get those of all accounts."""
    by = subscriber(request)
    return listing(page(queries.subscriptions_of(by), **paging.arguments()), _subscription, by)


@router.post("/subscriptions", response=answers(SubscriptionMade, 201), operation_id="create_subscription")
def create_subscription(request: HttpRequest, wish: SubscriptionIn) -> Status[dict[str, Any]]:
    """Create a subscription; only this answer holds its secret."""
    by = subscriber(request)
    endpoint = cache(lambda: commands.endpoint_of(wish.url, by=by))

    def create() -> dict[str, Any]:
        terms = commands.Terms(
            webhook=hook(wish.webhook).number,
            url=wish.url,
            filter_type=_filter_type(wish.filter_type),
            filter_guid=wish.filter_guid,
            format=wish.format,
            header_name=wish.header_name,
            header_value=wish.header_value,
            in_order=wish.in_order,
            retry_schedule=wish.retry_schedule,
            most_per_second=wish.most_per_second,
            client_certificate=wish.client_certificate,
            client_key=wish.client_key,
            authorities=wish.authorities,
        )
        after = place_of(wish.after) if wish.after else None
        made, secret = commands.subscribe(terms, by=by, after=after, endpoint=endpoint(), secret=wish.secret)
        return _subscription(queries.subscription(made.guid, by=by), by) | {"secret": _shown(secret, wish.secret)}

    return Status(201, once(request, create, hide=("secret",), before=endpoint))


@router.get("/subscriptions/{uuid:guid}", response=answers(SubscriptionOut), operation_id="get_subscription")
def get_subscription(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Get one subscription."""
    return subscription_out(guid, request, response)


@router.patch("/subscriptions/{uuid:guid}", response=answers(SubscriptionOut), operation_id="update_subscription")
def update_subscription(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: Maybe[SubscriptionChange]
) -> dict[str, Any]:
    """Change a subscription."""
    by = subscriber(request)
    changes = given(wish)
    if "webhook" in changes:
        changes["webhook"] = hook(changes["webhook"]).number
    if "filter_type" in changes:
        changes["filter_type"] = _filter_type(changes["filter_type"])
    commands.update(guid, by=by, version=etags.wanted(request), **changes)
    return subscription_out(guid, request, response)


@router.delete("/subscriptions/{uuid:guid}", response=answers(None, 204), operation_id="delete_subscription")
def delete_subscription(request: HttpRequest, guid: UUID) -> Status[None]:
    """Delete a subscription for good."""
    commands.unsubscribe(guid, by=subscriber(request))
    return Status(204, None)


@router.post(
    "/subscriptions/{uuid:guid}/rotate-secret", response=answers(SubscriptionMade), operation_id="rotate_secret"
)
def rotate_secret(request: HttpRequest, guid: UUID, wish: Maybe[Rotation]) -> dict[str, Any]:
    """Rotate the secret of a subscription; only this answer holds the new one."""
    by = subscriber(request)
    overlap = None if wish.overlap_hours is None else timedelta(hours=wish.overlap_hours)
    version = etags.wanted(request)
    _, secret = rotation.rotate_secret(guid, by=by, overlap=overlap, version=version, secret=wish.secret)
    return _subscription(queries.subscription(guid, by=by), by) | {"secret": _shown(secret, wish.secret)}


@router.post("/subscriptions/{uuid:guid}/pause", response=answers(SubscriptionOut), operation_id="pause_subscription")
def pause_subscription(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Pause a subscription; its messages accumulate."""
    commands.pause(guid, by=subscriber(request))
    return subscription_out(guid, request, response)


@router.post("/subscriptions/{uuid:guid}/resume", response=answers(SubscriptionOut), operation_id="resume_subscription")
def resume_subscription(request: HttpRequest, response: HttpResponse, guid: UUID) -> dict[str, Any]:
    """Resume a subscription, beginning with the messages that accumulated."""
    commands.resume(guid, by=subscriber(request))
    return subscription_out(guid, request, response)


@router.post("/subscriptions/{uuid:guid}/simulate", response=answers(SimulationOut), operation_id="simulate")
def simulate(request: HttpRequest, guid: UUID, event: UUID | None = None) -> dict[str, Any]:
    """Send a test message and return how the endpoint answered.

    It is a sample, or with `event` what that event told, where its message would be sent now.
    """
    delivery = repair.try_out(guid, by=subscriber(request), event_guid=event)
    attempt = queries.attempts(delivery).last()
    waiting = statement("simulated.no_worker").sentence()
    return {
        "succeeded": delivery.state == State.DELIVERED,
        "state": spelled(State(delivery.state)),
        "withheld_reason": delivery.end_reason if delivery.state == State.WITHHELD else None,
        "end": stated(delivery.end_reason),
        "status": attempt.status if attempt else None,
        "detail": queries.detail_of(attempt) if attempt else delivery.end_reason or waiting,
        "delivery": str(delivery.guid),
    }


@router.get("/subscriptions/{uuid:guid}/explain", response=answers(ExplanationOut), operation_id="explain")
def explain(request: HttpRequest, guid: UUID, record: UUID | None = None, event: UUID | None = None) -> Any:
    """Explain whether an event, or the last event of a record, would be sent."""
    return repair.explain(guid, by=subscriber(request), record_guid=record, event_guid=event)


def hook(text: str) -> Webhook:
    """A webhook by name or number; raises Invalid."""
    found = catalogue.by_name_or_number(text)
    if found is None:
        raise Invalid("webhook_unknown.name", field="webhook")
    return found


def subscription_out(guid: UUID, request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """A subscription as answers show it, its version told as an ETag."""
    by = subscriber(request)
    found = queries.subscription(guid, by=by)
    etags.tag(response, found.version)
    return _subscription(found, by)


def _shown(secret: str, brought: str | None) -> str:
    """A new secret as its one answer shows it; masked if the caller brought it."""
    return secret if brought is None else f"{signing.PREFIX}{MASK}"


def _filter_type(name: str | None) -> ObjectType:
    return chosen(ObjectType, name) if name else ObjectType.NONE


def _subscription(row: Subscription, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "owner": str(row.owner.guid),
        "webhook": webhooks()[row.webhook].name,
        "url": row.url,
        "filter_type": spelled(ObjectType(row.filter_type)) if row.filter_type else None,
        "filter_guid": str(row.filter_guid) if row.filter_guid else None,
        "format": row.format,
        "header_name": row.header_name or None,
        "in_order": row.in_order,
        "retry_schedule": row.retry_schedule,
        "most_per_second": row.most_per_second,
        "client_certificate": next(map(_certificate, tls_terms.described(row.client_certificate)), None),
        "authorities": list(map(_certificate, tls_terms.described(row.authorities))),
        "paused_at": rfc3339(row.paused_at),
        "pause_reason": row.pause_reason or None,
        "pause": stated(row.pause_reason),
        "failing_since": rfc3339(row.failing_since),
        "access_lost_at": rfc3339(row.access_lost_at),
        "created_at": rfc3339(row.created_at),
        "version": row.version,
    }


def _certificate(one: tls_terms.Described) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "issuer": one.issuer,
        "not_after": rfc3339(one.not_after),
        "sha256": one.sha256,
    }
