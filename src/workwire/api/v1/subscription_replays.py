"""Replays and backfills: ranges sent to a subscription again, with progress, to be paused, resumed and cancelled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from workwire.api.auth import subscriber
from workwire.api.idempotency import once
from workwire.api.paging import PageQuery
from workwire.api.v1.positions import Position, place_of
from workwire.api.v1.shapes import Guid, In, Listing, Maybe, Moment, answers, aware, listing, rfc3339
from workwire.kernel.actor import Actor
from workwire.kernel.pages import page
from workwire.reactions.webhooks import replay_ranges, replays
from workwire.reactions.webhooks.models import State

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Replay
    from workwire.reactions.webhooks.replay_ranges import Estimate

router = Router(tags=["webhooks"])


class ReplayIn(In):
    """Which ended deliveries of a subscription to send again."""

    since: datetime
    until: datetime | None = None
    states: list[Literal["delivered", "withheld", "gave_up"]] = ["delivered", "withheld", "gave_up"]
    record: UUID | None = None


class BackfillIn(In):
    """From when to send what was never prepared: a moment, or a position that `GET /position` gave."""

    since: datetime | None = None
    after: Position | None = None


class ReplayOut(Schema):
    """A replay or backfill. `progress` (0 to 1) is how much of its range was looked at, `queued` how many messages were put
    into the queue so far."""

    guid: Guid
    subscription: Guid
    kind: Literal["replay", "backfill"]
    state: Literal["running", "paused", "finished", "cancelled"]
    progress: float
    queued: int
    since: Moment | None
    until: Moment | None
    states: list[str]
    record: Guid | None
    created_at: Moment
    finished_at: Moment | None


class EstimateOut(Schema):
    """How many messages a replay would send at most. Not all were counted where `is_all` is false: there may be more."""

    count: int
    is_all: bool


@router.post("/subscriptions/{uuid:guid}/replay", response=answers(ReplayOut, 202), operation_id="replay")
def replay(request: HttpRequest, guid: UUID, wish: ReplayIn) -> Status[dict[str, Any]]:
    """Replay ended deliveries under today's rights; they are queued in small portions behind all fresh messages."""
    by = subscriber(request)

    def start() -> dict[str, Any]:
        return _replay(replays.replay(guid, by=by, **_range(wish)), by)

    return Status(202, once(request, start))


@router.post("/subscriptions/{uuid:guid}/backfill", response=answers(ReplayOut, 202), operation_id="backfill")
def backfill(request: HttpRequest, guid: UUID, wish: Maybe[BackfillIn]) -> Status[dict[str, Any]]:
    """Send events that were never prepared for the subscription, under today's rights, in the same way as a replay."""
    by = subscriber(request)

    def start() -> dict[str, Any]:
        return _replay(replays.backfill(guid, by=by, **_beginning(wish)), by)

    return Status(202, once(request, start))


@router.post("/subscriptions/{uuid:guid}/replay/count", response=answers(EstimateOut), operation_id="count_replay")
def count_replay(request: HttpRequest, guid: UUID, wish: ReplayIn) -> Estimate:
    """Count the messages a replay would send, up to 10,000; nothing is sent."""
    return replay_ranges.count_replay(guid, by=subscriber(request), **_range(wish))


@router.post("/subscriptions/{uuid:guid}/backfill/count", response=answers(EstimateOut), operation_id="count_backfill")
def count_backfill(request: HttpRequest, guid: UUID, wish: Maybe[BackfillIn]) -> Estimate:
    """Count the messages a backfill would send, up to 10,000, among the first 200,000 events of its range; nothing is sent."""
    return replay_ranges.count_backfill(guid, by=subscriber(request), **_beginning(wish))


@router.get("/subscriptions/{uuid:guid}/replays", response=answers(Listing[ReplayOut]), operation_id="list_replays")
def list_replays(request: HttpRequest, guid: UUID, paging: Query[PageQuery]) -> dict[str, Any]:
    """List the replays and backfills of a subscription, newest first."""
    by = subscriber(request)
    return listing(page(replays.replays_of(guid, by=by), **paging.arguments()), _replay, by)


@router.get("/replays/{uuid:guid}", response=answers(ReplayOut), operation_id="get_replay")
def get_replay(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Get one replay or backfill and its progress."""
    by = subscriber(request)
    return _replay(replays.find(guid, by=by), by)


@router.post("/replays/{uuid:guid}/pause", response=answers(ReplayOut), operation_id="pause_replay")
def pause_replay(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Pause a replay or backfill; messages already queued are sent."""
    by = subscriber(request)
    return _replay(replays.pause(guid, by=by), by)


@router.post("/replays/{uuid:guid}/resume", response=answers(ReplayOut), operation_id="resume_replay")
def resume_replay(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Resume a paused replay or backfill."""
    by = subscriber(request)
    return _replay(replays.resume(guid, by=by), by)


@router.post("/replays/{uuid:guid}/cancel", response=answers(ReplayOut), operation_id="cancel_replay")
def cancel_replay(request: HttpRequest, guid: UUID) -> dict[str, Any]:
    """Cancel a replay or backfill; messages already queued are sent."""
    by = subscriber(request)
    return _replay(replays.cancel(guid, by=by), by)


def _range(wish: ReplayIn) -> dict[str, Any]:
    return {
        "since": aware(wish.since, "since"),
        "until": aware(wish.until, "until") if wish.until else None,
        "states": [State[name.upper()] for name in wish.states],
        "record_guid": wish.record,
    }


def _beginning(wish: BackfillIn) -> dict[str, Any]:
    return {
        "since": aware(wish.since, "since") if wish.since else None,
        "after": place_of(wish.after) if wish.after else None,
    }


def _replay(row: Replay, _actor: Actor) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "subscription": str(row.subscription.guid),
        "kind": row.kind,
        "state": row.state,
        "progress": round(replays.progress(row), 4),
        "queued": row.queued,
        "since": rfc3339(row.since),
        "until": rfc3339(row.until),
        "states": [State(state).label for state in row.states],
        "record": str(row.record_guid) if row.record_guid else None,
        "created_at": rfc3339(row.created_at),
        "finished_at": rfc3339(row.finished_at),
    }
