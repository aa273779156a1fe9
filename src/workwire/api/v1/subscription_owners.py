"""Handing subscriptions over: what another owner would let the receiver see, and doing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from workwire.api import etags
from workwire.api.auth import subscriber
from workwire.api.v1.shapes import Guid, In, Moment, StatementOut, answers, rfc3339
from workwire.api.v1.subscriptions import SubscriptionOut, subscription_out
from workwire.reactions.webhooks import hand_over
from workwire.reactions.webhooks.explorer import Event

router = Router(tags=["webhooks"])


class HandOverIn(In):
    """The account that is to own a subscription."""

    owner: UUID


class UnseenOut(Schema):
    """An event that the account may not see; `GET /users/{guid}/sight/{kind}/{record}` explains why."""

    event: Guid
    name: str
    record: Guid
    occurred_at: Moment


class HandOverPreviewOut(Schema):
    """What an account may see of the newest events that fit a subscription, by the rights as they are now."""

    owner: Guid
    obstacle: StatementOut | None = Field(description="Why handing over would be refused; null where it would not.")
    counted: int = Field(description="Events looked at: the newest 200 that fit, among the last 10,000 of the ledger.")
    kept: int = Field(description="Seen by the present owner and by the new one.")
    gained: int = Field(description="Seen by the new owner only: the receiver would get such events from then on.")
    lost: int = Field(description="Seen by the present owner only: the receiver would no longer get such events.")
    unseen: list[UnseenOut] = Field(
        description="Records that the new owner may not see, each by its newest event; five."
    )


@router.get(
    "/subscriptions/{uuid:guid}/hand-over", response=answers(HandOverPreviewOut), operation_id="preview_hand_over"
)
def preview_hand_over(request: HttpRequest, guid: UUID, owner: UUID) -> dict[str, Any]:
    """Preview handing a subscription over: what the new owner may see of recent events. For administrators in person."""
    told = hand_over.preview(guid, owner=owner, by=subscriber(request))
    obstacle = told.obstacle
    return {
        "owner": str(told.owner.guid),
        "obstacle": None if obstacle is None else obstacle.as_json() | {"sentence": obstacle.sentence()},
        "counted": told.counted,
        "kept": told.kept,
        "gained": told.gained,
        "lost": told.lost,
        "unseen": [_unseen(one) for one in told.unseen],
    }


@router.post(
    "/subscriptions/{uuid:guid}/hand-over", response=answers(SubscriptionOut), operation_id="hand_over_subscription"
)
def hand_over_subscription(
    request: HttpRequest, response: HttpResponse, guid: UUID, wish: HandOverIn
) -> dict[str, Any]:
    """Hand a subscription over to another account, whose rights count from then on. For administrators in person."""
    hand_over.hand_over(guid, owner=wish.owner, by=subscriber(request), version=etags.wanted(request))
    return subscription_out(guid, request, response)


def _unseen(event: Event) -> dict[str, Any]:
    return {
        "event": str(event.guid),
        "name": event.name,
        "record": str(event.work_item_guid or event.record_guid),
        "occurred_at": rfc3339(event.occurred_at),
    }
