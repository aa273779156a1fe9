"""Replays: ranges of what was, sent to a subscription again.

A *replay* sends deliveries that ended once more; a *backfill* sends events of the ledger that were never prepared for the
subscription. Either may be as long as the ledger: a job queues it piece by piece in the bulk lane, never far ahead of what is
sent, so that it can be paused, fresh messages go before it, and the queue stays small. Nothing here sends: every message
goes the way of all others, through the check of rights as they are then.

Locks are taken in this order: the subscription, the job, the replay, the queue, the sequence of the subscription's events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from workwire.access import features
from workwire.access.policy import require
from workwire.jobs import commands as jobs
from workwire.jobs.kinds import Done, JobKind, More, Piece, Wanted
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, not_found
from workwire.outbox import wake
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.reactions.webhooks import events, fanning, queries, queue, replay_ranges, sql
from workwire.reactions.webhooks.models import Lane, Replay, ReplayKind, ReplayState, State, Subscription
from workwire.reactions.webhooks.replay_ranges import ENDED, NOT_KNOWN

AHEAD = 5_000  # messages of one subscription that may wait in the bulk lane
BATCH = 1_000  # messages put into the queue in one transaction
WINDOW = 50_000  # events of the ledger looked at in one transaction
MOST_UNFINISHED = 20  # of one subscription
_REFUSED = {ReplayState.RUNNING: "replay_not_running", ReplayState.PAUSED: "replay_not_paused"}  # when it is not
LANE = "replays"
WAIT_FOR_ROOM, LONGEST_WAIT = (
    timedelta(seconds=0.1),
    timedelta(seconds=1),
)  # while what was queued is sent; doubled each time
WHILE_PAUSED = timedelta(minutes=10)  # between looks at one that waits for somebody, who hastens it
UNFINISHED = (ReplayState.RUNNING, ReplayState.PAUSED)


@transaction.atomic
def replay(
    guid: UUID,
    *,
    by: Actor,
    since: datetime,
    until: datetime | None = None,
    states: Collection[State] = ENDED,
    record_guid: UUID | None = None,
) -> Replay:
    """Send the ended deliveries of a subscription again that were made from `since` until before `until`, filtered."""
    return _start(replay_ranges.of_deliveries(queries.subscription(guid, by=by), since, until, states, record_guid), by)


@transaction.atomic
def backfill(guid: UUID, *, by: Actor, since: datetime | None = None, after: int | None = None) -> Replay:
    """Send the events of the ledger that match a subscription and were never prepared for it: since a moment, or behind a
    position of the ledger."""
    replay_ranges.check_beginning(since, after)
    return start_backfill(queries.subscription(guid, by=by), by=by, since=since, after=after)


def start_backfill(
    subscription: Subscription, *, by: Actor, since: datetime | None = None, after: int | None = None
) -> Replay:
    """The same for a subscription the caller has locked or just made, inside the caller's transaction."""
    return _start(replay_ranges.of_ledger(subscription, since, after), by)


def replays_of(subscription_guid: UUID, *, by: Actor) -> QuerySet[Replay]:
    """The replays of a subscription; raises NotFound also for somebody else's subscription."""
    subscription = queries.subscription(subscription_guid, by=by)
    return Replay.objects.filter(subscription=subscription).select_related("subscription")


def find(guid: UUID, *, by: Actor) -> Replay:
    """One replay; raises NotFound."""
    mine = Replay.objects.filter(subscription__in=queries.subscriptions_of(by).values("pk"))
    found = mine.select_related("subscription").filter(guid=guid).first()
    if found is None:
        raise not_found("replay")
    return found


@transaction.atomic
def pause(guid: UUID, *, by: Actor) -> Replay:
    """Queue no more of it until `resume`; what was queued already is sent."""
    return _move(guid, by, ReplayState.RUNNING, ReplayState.PAUSED, events.ReplayPaused)


@transaction.atomic
def resume(guid: UUID, *, by: Actor) -> Replay:
    """Go on where it was paused."""
    return _move(guid, by, ReplayState.PAUSED, ReplayState.RUNNING, events.ReplayResumed)


def hasten_all(subscription: Subscription) -> None:
    """Let the replays of a subscription see that it goes on, or has ended; in the transaction that changes it, before its
    event."""
    unfinished = Replay.objects.filter(subscription=subscription, state__in=UNFINISHED)
    jobs.hasten(KIND.name, list(unfinished.values_list("guid", flat=True)))


@transaction.atomic
def cancel(guid: UUID, *, by: Actor) -> Replay:
    """End it where it is; what was queued already is sent."""
    require(by, features.WEBHOOKS)
    found = _locked(guid, by, with_job=True)
    if found.state not in UNFINISHED:
        raise Conflict("replay_ended")
    return _cancel(found, by)


def progress(of: Replay) -> float:
    """How much of the range was looked at, from 0 to 1."""
    if of.last == NOT_KNOWN:
        return 0.0
    return (of.position - of.first) / (of.last - of.first) if of.last > of.first else 1.0


def piece(given: Piece, _answer: Any) -> More | Done:
    """Queue a batch of a replay if there is room. One that is paused, or whose subscription is, waits and costs nothing."""
    found = _of_job(given)
    if found is None or found.state not in UNFINISHED:
        return Done()
    if found.subscription.ended_at is not None:
        _end(found, ReplayState.CANCELLED, given.now)
        return Done({"queued": found.queued})
    if found.state == ReplayState.PAUSED or found.subscription.paused_at is not None:
        return More(after=WHILE_PAUSED)
    if found.last == NOT_KNOWN:
        found.last = _end_of_backfill(found)
    if queue.waiting(found.subscription_id, Lane.BULK, most=AHEAD) > AHEAD - BATCH:
        pause = min(timedelta(seconds=given.cursor or 0) * 2, LONGEST_WAIT) or WAIT_FOR_ROOM
        return More(pause.total_seconds(), after=pause)
    return _advance(found, given.now)


@transaction.atomic
def look_for_room() -> int:
    """Let the replays that wait for room look again at once; returns how many do."""
    waiting = Replay.objects.filter(state=ReplayState.RUNNING, subscription__paused_at=None)
    return jobs.hasten(KIND.name, list(waiting.values_list("guid", flat=True)))


def _advance(found: Replay, now: datetime) -> More | Done:
    found.queued += _put_back(found, now) if found.kind == ReplayKind.REPLAY else _prepare(found, now)
    found.save(update_fields=["position", "queued", "last"])
    wake.ring_on_commit()
    looked_at = found.position - found.first
    if found.position < found.last:
        return More(done=looked_at, total=found.last - found.first)
    _end(found, ReplayState.FINISHED, now)
    _note(events.ReplayFinished, found, SYSTEM, Queued=found.queued)
    return Done({"queued": found.queued}, done=looked_at)


def unfinished_of(subscription: Subscription) -> int:
    """How many replays of a subscription run or are paused; whoever calls has checked that it may be seen."""
    return Replay.objects.filter(subscription=subscription, state__in=UNFINISHED).count()


def _gave_up(given: Piece, _error: Exception, again: datetime | None) -> None:
    """Pause a replay whose job has failed, so that it can be resumed when what was wrong is mended."""
    found = _of_job(given)
    if again is None and found is not None and found.state == ReplayState.RUNNING:
        _to(found, ReplayState.PAUSED, events.ReplayPaused, SYSTEM)


def _cancelled(given: Piece) -> None:
    """End a replay whose job was cancelled."""
    found = _of_job(given)
    if found is not None and found.state in UNFINISHED:
        _cancel(found, SYSTEM)


def _of_job(given: Piece) -> Replay | None:
    mine = Replay.objects.select_for_update(of=("self",)).select_related("subscription")
    return mine.filter(guid=given.record).first()


def _wanted() -> Iterator[Wanted]:
    unfinished = Replay.objects.filter(state__in=UNFINISHED)
    for guid, owner in unfinished.values_list("guid", "subscription__owner").iterator():
        yield Wanted(guid, owner, clock.now())


def _refuse_cancelling(guid: UUID | None, by: Actor) -> None:
    require(by, features.WEBHOOKS)
    if guid is not None:
        find(guid, by=by)


KIND = JobKind(
    "webhooks.replay",
    LANE,
    piece,
    on_failure=_gave_up,
    on_cancel=_cancelled,
    refuse_cancelling=_refuse_cancelling,
    wanted=_wanted,
)


def _end_of_backfill(found: Replay) -> int:
    """Where a backfill ends and fan-out takes over: looked up when no fan-out is under way that began before the subscription
    was there for it to see, so that every event is either behind us or still pending for one that sees it."""
    sql.wait_to_be_alone(fanning.LOCK)
    return max(found.first, replay_ranges.last_event())


def _put_back(found: Replay, now: datetime) -> int:
    batch = list(replay_ranges.deliveries(found).order_by("pk").values_list("pk", flat=True)[:BATCH])
    if batch:
        queue.put_back(batch, Lane.BULK, now)
    found.position = batch[-1] if len(batch) == BATCH else found.last
    return len(batch)


def _prepare(found: Replay, now: datetime) -> int:
    until = min(found.last, found.position + WINDOW)
    batch = list(replay_ranges.events(found, until).order_by("pk").values_list("pk", "record_guid")[:BATCH])
    rows = [(found.subscription_id, event, record, Lane.BULK) for event, record in batch]
    made = queue.add(rows, now, is_replay=True)
    found.position = batch[-1][0] if len(batch) == BATCH else until
    return len(made) - fanning.drop_unseen(made, now)


def _start(wanted: Replay, by: Actor) -> Replay:
    if unfinished_of(wanted.subscription) >= MOST_UNFINISHED:
        raise Conflict("too_many_replays", most=MOST_UNFINISHED)
    wanted.save(force_insert=True)
    jobs.enqueue(KIND.name, by=by, subject=wanted.guid)
    _note(events.ReplayStarted, wanted, by, added(wanted))
    return wanted


def _locked(guid: UUID, by: Actor, *, with_job: bool = False) -> Replay:
    """A replay, locked; `with_job` hastens its job, which is asked for again where it has failed."""
    find(guid, by=by)
    if with_job and not jobs.hasten(KIND.name, [guid]) and Replay.objects.filter(guid=guid, state__in=UNFINISHED):
        jobs.ensure(KIND.name, by=by, subject=guid)
    return Replay.objects.select_for_update(of=("self",)).select_related("subscription").get(guid=guid)


def _move(
    guid: UUID, by: Actor, before: ReplayState, after: ReplayState, kind: type[events.SubscriptionBody]
) -> Replay:
    require(by, features.WEBHOOKS)
    found = _locked(guid, by, with_job=after == ReplayState.RUNNING)
    if found.state != before:
        raise Conflict(_REFUSED[before], state=str(found.state))
    return _to(found, after, kind, by)


def _to(found: Replay, state: ReplayState, kind: type[events.SubscriptionBody], by: Actor) -> Replay:
    row = columns(found)
    found.state = state
    found.save(update_fields=["state"])
    _note(kind, found, by, altered(found, row))
    return found


def _cancel(found: Replay, by: Actor) -> Replay:
    before = columns(found)
    _end(found, ReplayState.CANCELLED, clock.now())
    _note(events.ReplayCancelled, found, by, altered(found, before), Queued=found.queued)
    return found


def _end(found: Replay, state: ReplayState, now: datetime) -> None:
    found.state, found.finished_at = state, now
    found.save(update_fields=["state", "finished_at"])


def _note(
    kind: type[events.SubscriptionBody], about: Replay, by: Actor, changes: Sequence[RowChange] = (), **more: Any
) -> None:
    events.note(kind, about.subscription, by, changes, Replay=str(about.guid), Kind=about.kind, **more)
