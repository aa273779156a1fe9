"""How a subscription and its endpoint are, and what its owner was told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workwire.api.auth import subscriber
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, StatementOut, answers, listing, rfc3339, stated
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.reactions.webhooks import attempt_figures, queries, subscription_health

if TYPE_CHECKING:
    from workwire.outbox.models import Event

router = Router(tags=["webhooks"])


class TriedOut(Schema):
    """An attempt: when it began, its status, or the error when no answer came."""

    at: Moment
    status: int | None
    error: str | None


class CountsOut(Schema):
    """Attempts by outcome: taken (2xx), refused (another status), unanswered."""

    succeeded: int
    refused: int
    unanswered: int


class QueuedOut(Schema):
    """How many messages wait in each lane, due or not, and are being sent; each counted up to 100,000."""

    fresh: int
    retry: int
    bulk: int
    test: int
    sending: int


class HealthOut(Schema):
    """`state` is healthy, failing, paused or access_lost; `circuit` is closed, open or half_open, as the workers told it a
    few seconds ago."""

    state: str
    circuit: str
    circuit_open_until: Moment | None
    failing_since: Moment | None
    paused_at: Moment | None
    pause_reason: str | None
    pause: StatementOut | None
    access_lost_at: Moment | None
    certificates_end_at: Moment | None = Field(
        description="When the subscription's own certificates end, and nothing can be sent; null without any."
    )
    queued: QueuedOut
    oldest_due_seconds: float
    last_success: TriedOut | None
    last_failure: TriedOut | None
    last_hour: CountsOut
    last_day: CountsOut
    counted: int = Field(description="Among how many of the newest messages attempts were looked for, 1,000 at most.")


class SlotOut(CountsOut):
    """Attempts that began within a slot, and within how many seconds half and 95 % of the answers came; null where none
    came."""

    begins: Moment
    half_within: float | None
    most_within: float | None


class FiguresOut(Schema):
    """What an endpoint took over a time, oldest slot first: 24 hours by the hour, or 7 days by 6 hours."""

    slots: list[SlotOut]
    missing_until: Moment | None = Field(
        description="Before this moment only attempts of the newest 5,000 messages are counted; null if none is missing."
    )


class NoticeOut(Schema):
    """Something that happened to a subscription."""

    event: Guid
    name: str
    occurred_at: Moment
    sequence: int
    details: dict[str, Any]


@router.get("/subscriptions/{uuid:guid}/health", response=answers(HealthOut), operation_id="get_subscription_health")
def get_subscription_health(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get the health of a subscription and its endpoint."""
    subscription = queries.subscription(guid, by=subscriber(request))
    found = subscription_health.health(subscription)
    waiting = {lane.label: count for lane, count in found.depth.waiting.items()}
    return {
        "state": found.state,
        "circuit": found.circuit.state,
        "circuit_open_until": rfc3339(found.circuit.open_until),
        "failing_since": rfc3339(subscription.failing_since),
        "paused_at": rfc3339(subscription.paused_at),
        "pause_reason": subscription.pause_reason or None,
        "pause": stated(subscription.pause_reason),
        "access_lost_at": rfc3339(subscription.access_lost_at),
        "certificates_end_at": rfc3339(subscription.certificates_end_at),
        "queued": waiting | {"sending": sum(found.depth.sending.values())},
        "oldest_due_seconds": round(found.oldest_due, 3),
        "last_success": _tried(found.last_success),
        "last_failure": _tried(found.last_failure),
        "last_hour": _counts(found.last_hour),
        "last_day": _counts(found.last_day),
        "counted": found.counted,
    }


@router.get("/subscriptions/{uuid:guid}/figures", response=answers(FiguresOut), operation_id="get_subscription_figures")
def get_subscription_figures(request: HttpRequest, guid: UUID, period: Literal["24h", "7d"] = "24h") -> dict[str, Any]:
    """Get what the endpoint of a subscription took over the last 24 hours or 7 days, and how long it took."""
    subscription = queries.subscription(guid, by=subscriber(request))
    found = attempt_figures.figures(subscription, attempt_figures.Period(period))
    return {"slots": [_slot(one) for one in found.slots], "missing_until": rfc3339(found.missing_until)}


@router.get("/subscriptions/{uuid:guid}/notices", response=answers(Listing[NoticeOut]), operation_id="list_notices")
def list_notices(request: HttpRequest, paging: Query[PageQuery], guid: UUID) -> dict[str, Any]:
    """What happened to a subscription, newest first: made, changed, failing, paused, recovered, access lost and back, a secret
    about to expire, a message simulated or sent again."""
    by = subscriber(request)
    return listing(page(queries.notices(guid, by=by), **paging.arguments()), _notice, by)


def _tried(one: subscription_health.Tried | None) -> dict[str, Any] | None:
    return one and {"at": rfc3339(one.at), "status": one.status, "error": one.error or None}


def _counts(of: subscription_health.Counts) -> dict[str, int]:
    return {"succeeded": of.succeeded, "refused": of.refused, "unanswered": of.unanswered}


def _slot(of: attempt_figures.Slot) -> dict[str, Any]:
    return _counts(of.counts) | {"begins": rfc3339(of.begins), "half_within": of.half, "most_within": of.most}


def _notice(row: Event, _actor: Actor) -> dict[str, Any]:
    body = orjson.loads(row.body)
    envelope = ("EventID", "OccurredAt", "Sequence", "Epoch", "GUID")
    return {
        "event": str(row.guid),
        "name": row.name,
        "occurred_at": rfc3339(row.occurred_at),
        "sequence": row.sequence,
        "details": {name: value for name, value in body.items() if name not in envelope},
    }
