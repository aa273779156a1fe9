"""The delivery log, its attempts, and sending one again."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja import Query, Router, Schema

from workwire.api.auth import actor, subscriber
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, StatementOut, answers, aware, listing, rfc3339, stated, whole
from workwire.api.v1.spelling import StateName, chosen, spelled
from workwire.api.v1.subscriptions import hook
from workwire.kernel.actor import Actor
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import log, messages, queries, repair
from workwire.reactions.webhooks.models import State

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Attempt, Delivery

router = Router(tags=["webhooks"])


class DeliveryOut(Schema):
    """A delivery. `end` says why it ended undelivered. `record`, `event` and `message_id` are null where the record may not be
    seen. `is_replay` says whether the next attempt goes out with ``Webhook-Replay``, and once it has left the queue whether
    the last one did."""

    guid: Guid
    subscription: Guid
    webhook: str
    state: StateName
    withheld_reason: str | None
    end: StatementOut | None
    attempts: int
    is_test: bool
    is_replay: bool
    due_at: Moment | None
    created_at: Moment
    finished_at: Moment | None
    record: Guid | None
    event: Guid | None
    message_id: str | None


class DeliveryDetail(DeliveryOut):
    """A delivery with the body it carries, null where the record may not be seen."""

    body: dict[str, Any] | None


class Timings(Schema):
    """Milliseconds that the steps of an attempt took, one after the other: looking up the name, connecting, TLS, and waiting
    for the first byte of the answer. Null for a step that was not made, as on a connection that was kept, or not finished."""

    name_lookup: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None


class AttemptOut(Schema):
    """One HTTP request; `answer` is the head of what came back, as text and as bytes in base64. `duration_ms` is all of its
    time, `timings_ms` that of its steps."""

    number: int
    started_at: Moment
    duration_ms: float
    timings_ms: Timings
    status: int | None
    error: str | None
    detail: str
    answer: str
    answer_base64: str
    headers: dict[str, str]


@router.get("/deliveries", response=answers(Listing[DeliveryOut]), operation_id="list_deliveries")
def list_deliveries(
    request: HttpRequest,
    paging: Query[PageQuery],
    subscription: UUID | None = None,
    state: StateName | None = None,
    webhook: str | None = None,
    record: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Any]:
    """List the delivery log, newest first. A page may hold fewer rows than asked for although `next_cursor` leads on."""
    by = actor(request)
    wish = log.Wish(
        subscription_guid=subscription,
        state=chosen(State, state) if state else None,
        webhook=hook(webhook).number if webhook else None,
        record_guid=record,
        since=aware(since, "since") if since else None,
        until=aware(until, "until") if until else None,
    )
    return listing(log.page(by, wish, **paging.arguments()), _delivery, by)


@router.get("/deliveries/{uuid:guid}", response=answers(DeliveryDetail), operation_id="get_delivery")
def get_delivery(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one delivery with its body."""
    found = queries.delivery(guid, by=actor(request))
    body = orjson.loads(messages.event_body(found)) if _content_visible(found) else None
    return _delivery(found, actor(request)) | {"body": body}


@router.get("/deliveries/{uuid:guid}/attempts", response=answers(Listing[AttemptOut]), operation_id="list_attempts")
def list_attempts(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """List the attempts of a delivery, oldest first; empty if you may not see the record."""
    found = queries.delivery(guid, by=actor(request))
    return whole([_attempt(row) for row in queries.attempts(found)[:200]] if _content_visible(found) else [])


@router.post("/deliveries/{uuid:guid}/resend", response=answers(DeliveryOut), operation_id="resend")
def resend(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Resend a delivery now."""
    by = subscriber(request)
    repair.resend(guid, by=by)
    return _delivery(queries.delivery(guid, by=by), by)


def _content_visible(row: Delivery) -> bool:
    return bool(getattr(row, "content_visible", False))


def _delivery(row: Delivery, _actor: Actor) -> dict[str, Any]:
    seen, queued = _content_visible(row), getattr(row, "queued", None)
    return {
        "guid": str(row.guid),
        "subscription": str(row.subscription.guid),
        "webhook": webhooks()[row.subscription.webhook].name,
        "state": spelled(queries.standing(row)),
        "withheld_reason": row.end_reason if row.state == State.WITHHELD else None,
        "end": stated(row.end_reason),
        "attempts": row.attempts,
        "is_test": row.event_id is None,
        "is_replay": queued.is_replay if queued else messages.was_replay(getattr(row, "last_sent", None) or ""),
        "due_at": rfc3339(queued.due_at) if queued else None,
        "created_at": rfc3339(row.created_at),
        "finished_at": rfc3339(row.finished_at),
        "record": str(row.record_guid) if seen and row.record_guid else None,
        "event": str(row.event.guid) if seen and row.event else None,
        "message_id": messages.message_id_of(row) if seen else None,
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    head = bytes(row.answer_head)
    return {
        "number": row.number,
        "started_at": rfc3339(row.started_at),
        "duration_ms": round(row.duration * 1000, 2),
        "timings_ms": {
            "name_lookup": _milliseconds(row.name_us),
            "connect": _milliseconds(row.connect_us),
            "tls": _milliseconds(row.tls_us),
            "first_byte": _milliseconds(row.first_byte_us),
        },
        "status": row.status,
        "error": row.error or None,
        "detail": queries.detail_of(row),
        "answer": head.decode(errors="replace"),
        "answer_base64": b64encode(head).decode(),
        "headers": messages.headers_of(row),
    }


def _milliseconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
