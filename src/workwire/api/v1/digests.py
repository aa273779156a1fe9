"""What a receiver ought to have: digests of days and the events of one record, from the ledger, in the owner's view."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workwire.api.auth import subscriber
from workwire.api.numbers_as_text import Written
from workwire.api.v1.positions import Position, place_of
from workwire.api.v1.shapes import Date, Guid, Listing, Moment, answers, aware, rfc3339, whole
from workwire.api.v1.spelling import StateName, spelled
from workwire.outbox import restores
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import queries, reconciling

router = Router(tags=["webhooks"])
LARGEST = 2**63 - 1


class DigestQuery(Written):
    """Which events are counted: in a range of at most 31 days, and behind a position where one is given."""

    since: datetime | None = None
    until: datetime | None = None
    after: Position | None = None


class DigestOut(Schema):
    """The events of one day (UTC): how many, and the SHA-256 of their sorted EventIDs, each followed by a line feed."""

    day: Date
    count: int
    sha256: str


class DigestsOut(Schema):
    """The digests of a subscription, oldest day first; days without events are left out."""

    webhook: str
    epoch: int
    days: list[DigestOut]


class SequenceQuery(Written):
    """From which number of the sequence to which."""

    first: int = Field(1, ge=1, le=LARGEST)
    last: int | None = Field(None, ge=1, le=LARGEST)


class ToldOut(Schema):
    """One event of a record. `wanted` says whether the subscription is for it; `state` is that of its delivery."""

    sequence: int
    event: Guid
    name: str
    occurred_at: Moment
    wanted: bool
    delivery: Guid | None
    state: StateName | None


@router.get("/subscriptions/{uuid:guid}/digest", response=answers(DigestsOut), operation_id="get_digest")
def get_digest(request: HttpRequest, guid: UUID, wanted: Query[DigestQuery]) -> dict[str, Any]:
    """Get digests per day of the events a receiver should have. At most two requests at a time; more get a 429."""
    by = subscriber(request)
    days = reconciling.digests(
        guid,
        by=by,
        since=aware(wanted.since, "since") if wanted.since else None,
        until=aware(wanted.until, "until") if wanted.until else None,
        after=place_of(wanted.after) if wanted.after else 0,
    )
    return {
        "webhook": webhooks()[queries.subscription(guid, by=by).webhook].name,
        "epoch": restores.epoch(),
        "days": [{"day": one.day.isoformat(), "count": one.count, "sha256": one.sha256} for one in days],
    }


@router.get("/subscriptions/{uuid:guid}/sequence", response=answers(Listing[ToldOut]), operation_id="get_sequence")
def get_sequence(request: HttpRequest, guid: UUID, record: UUID, wanted: Query[SequenceQuery]) -> dict[str, Any]:
    """List the events of a record from one `Sequence` number to another, at most a thousand, to explain a gap."""
    rows = reconciling.of_record(guid, record, by=subscriber(request), first=wanted.first, last=wanted.last)
    told = [
        {
            "sequence": one.sequence,
            "event": str(one.event_guid),
            "name": one.name,
            "occurred_at": rfc3339(one.occurred_at),
            "wanted": one.wanted,
            "delivery": str(one.delivery_guid) if one.delivery_guid else None,
            "state": spelled(one.state) if one.state is not None else None,
        }
        for one in rows
    ]
    return whole(told)
