"""The only writer of time sessions.

An account is locked before its sessions, so that of two clocks that start at once one runs. No item is locked: time is no
change of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from workwire.access import run_time_settings
from workwire.access.models import User
from workwire.jobs import timers
from workwire.jobs.timers import TimerKind
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import record
from workwire.outbox.objects import ObjectType
from workwire.rooms.effort import events, policy, queries
from workwire.rooms.effort.models import TimeCorrection, TimeSession
from workwire.rooms.work import events as work_events
from workwire.rooms.work import queries as work
from workwire.rooms.work.commands.changing import require_may_work
from workwire.rooms.work.models import WorkItem

FORGOTTEN = "effort.forgotten"  # a kind of timer
MOST_SECONDS = 31 * 24 * 3600
_OF_EVENTS = ("account", *(f"work_item__{name}" for name in ("customer", "contract", "service")))


@transaction.atomic
def start(item: WorkItem, *, by: Actor) -> TimeSession:
    """Start the actor's clock at an item it sees, in any state: a new session, or the one that paused there goes on.

    A session that runs elsewhere pauses; one that runs here goes on running, and nothing changes.
    """
    require_may_work(by)
    if by.user_id is None:
        raise Forbidden("system_does_not_work")
    item = work.item(item.guid, by=by)
    _lock_account(by.user_id)
    now, found = clock.now(), None
    for session in _locked(account=by.user_id, ended_at=None):
        if session.work_item_id == item.pk:
            found = session
        elif session.running_since is not None:
            _halt(session, now, by=by)
    if found is not None and found.running_since is not None:
        return queries.session(found.guid, by=by)
    if found is None:
        found = TimeSession(work_item=item, account_id=by.user_id, category=item.category, started_at=now)
        found.running_since = now
        found.save(force_insert=True)
        changes = added(found)
    else:
        before = columns(found)
        found.running_since = now
        found.save(update_fields=["running_since"])
        changes = altered(found, before)
    timers.set_timer(FORGOTTEN, found.guid, now + _longest())
    _record(events.TimeSessionStarted, found, changes, by=by)
    return queries.session(found.guid, by=by)


@transaction.atomic
def pause(session: TimeSession, *, by: Actor) -> TimeSession:
    """Pause the actor's own session; one that does not run stays as it is."""
    found = _own_open(session, by)
    if found.running_since is not None:
        _halt(found, clock.now(), by=by)
    return queries.session(found.guid, by=by)


@transaction.atomic
def stop(session: TimeSession, *, by: Actor) -> TimeSession:
    """End the actor's own session; the next one at the item is a new one."""
    _end(_own_open(session, by), clock.now(), forgotten=False, by=by)
    return queries.session(session.guid, by=by)


@transaction.atomic
def correct(session: TimeSession, seconds: int, *, by: Actor) -> TimeSession:
    """Say what the time of a session was; what was counted is kept. One's own, running or ended, and that of accounts the
    actor leads."""
    policy.require_may_correct(by, session)
    if not 0 <= seconds <= MOST_SECONDS:
        raise Invalid("time_invalid", field="seconds", most=MOST_SECONDS)
    (found,) = _locked(pk=session.pk)
    now = clock.now()
    if queries.seconds(found, now) != seconds:
        correction = TimeCorrection.objects.create(
            session=found,
            seconds=seconds,
            counted_seconds=queries.counted(found, now),
            corrected_by_id=by.user_id or 0,
            corrected_at=now,
        )
        _record(events.TimeSessionCorrected, found, added(correction), by=by)
    return queries.session(found.guid, by=by)


def end_forgotten(session: TimeSession, *, by: Actor) -> TimeSession:
    """End a session that runs for longer than the setting says, at that moment; only the clock (the system) does so, which has
    locked it."""
    if by.user_id is not None:
        raise Forbidden("system_only.time")
    if session.running_since is None:
        raise Conflict("session_stands_still")
    ends, now = session.running_since + _longest(), clock.now()
    if ends > now:  # the setting was raised since
        timers.set_timer(FORGOTTEN, session.guid, ends)
    else:
        _end(session, ends, forgotten=True, by=by)
    return session


def _lock_account(user_id: int) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user_id)


def _locked(**which: object) -> list[TimeSession]:
    """Sessions as they are now, locked until the transaction ends, with what their events say."""
    found = TimeSession.objects.filter(**which).order_by("pk").select_for_update(of=("self",), no_key=True)
    return list(found.select_related(*_OF_EVENTS))


def _own_open(session: TimeSession, by: Actor) -> TimeSession:
    """The actor's own session, locked, after its account; raises Forbidden for that of another, Conflict for an ended one."""
    require_may_work(by)
    policy.require_own(by, session)
    _lock_account(session.account_id)
    (found,) = _locked(pk=session.pk)
    if found.ended_at is not None:
        raise Conflict("session_ended")
    return found


def _halt(session: TimeSession, now: datetime, *, by: Actor) -> None:
    before = columns(session)
    _count(session, now)
    session.save(update_fields=["counted_seconds", "running_since"])
    _record(events.TimeSessionPaused, session, altered(session, before), by=by)


def _end(session: TimeSession, now: datetime, *, forgotten: bool, by: Actor) -> None:
    before = columns(session)
    _count(session, now)
    session.ended_at, session.forgotten = now, forgotten
    session.save(update_fields=["counted_seconds", "running_since", "ended_at", "forgotten"])
    _record(events.TimeSessionEnded, session, altered(session, before), by=by)


def _count(session: TimeSession, now: datetime) -> None:
    """Add what has run to what was counted, and let the clock of the session stand still."""
    if session.running_since is not None:
        timers.clear_timer(FORGOTTEN, session.guid)
    session.counted_seconds, session.running_since = queries.counted(session, now), None


def _longest() -> timedelta:
    return timedelta(hours=run_time_settings.value_of("longest_session_hours"))


def _record(kind: type[events.TimeSessionBody], session: TimeSession, changes: list[RowChange], *, by: Actor) -> None:
    body = kind(
        GUID=str(session.guid),
        PacketGUID=str(session.work_item.guid),
        UserGUID=str(session.account.guid),
        Seconds=queries.seconds(session),
        Running=session.running_since is not None,
        Ended=session.ended_at is not None,
    )
    about = work_events.below_item(ObjectType.TIME_SESSION, session.guid, session.work_item)
    record(body, about=about, by=by, changes=changes)


def _lock_due(guids: Sequence[UUID], wait: bool) -> dict[UUID, TimeSession]:
    found = TimeSession.objects.filter(guid__in=guids).order_by("pk").select_related(*_OF_EVENTS)
    locked = found.select_for_update(of=("self",), no_key=True, skip_locked=not wait)
    return {session.guid: session for session in locked}


def _wanted() -> Iterable[tuple[UUID, datetime]]:
    running = TimeSession.objects.filter(running_since__isnull=False).values_list("guid", "running_since")
    return ((guid, since + _longest()) for guid, since in running.iterator() if since is not None)


ENDING = TimerKind(_lock_due, lambda session, _now: end_forgotten(session, by=SYSTEM), _wanted)
