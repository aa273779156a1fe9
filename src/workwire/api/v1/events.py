"""The events of the records one may see, and where each was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from workwire.api.auth import actor
from workwire.api.v1.audit import EventOut, EventQuery, event_out, events_out
from workwire.api.v1.shapes import Guid, Listing, answers
from workwire.api.v1.spelling import StateName, spelled
from workwire.outbox.public_changes import changes_of
from workwire.reactions.webhooks import explorer, queries

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Delivery

router = Router(tags=["audit"])


class EventDeliveryOut(Schema):
    """A delivery of an event to a subscription that you may look at."""

    guid: Guid
    subscription: Guid
    state: StateName


class EventDetail(EventOut):
    """An event with its deliveries, the newest 200."""

    deliveries: list[EventDeliveryOut]


@router.get("/events", response=answers(Listing[EventOut]), operation_id="list_events")
def list_events(request: HttpRequest, query: Query[EventQuery]) -> dict[str, Any]:
    """List the events of the records you may see, newest first. Events of another record are not listed."""
    by = actor(request)
    return events_out(explorer.page(query.wanted(), by=by, **query.arguments()), by)


@router.get("/events/{uuid:guid}", response=answers(EventDetail), operation_id="get_event")
def get_event(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one event with its deliveries."""
    by = actor(request)
    found = explorer.event(guid, by=by)
    deliveries = [_delivery(one) for one in explorer.deliveries_of(found, by=by)]
    return event_out(found, changes_of([found], by=by)[found.pk]) | {"deliveries": deliveries}


def _delivery(row: Delivery) -> dict[str, Any]:
    state = spelled(queries.standing(row))
    return {"guid": str(row.guid), "subscription": str(row.subscription.guid), "state": state}
