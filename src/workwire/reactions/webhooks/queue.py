"""The queue of deliveries: put in, claimed under a lease, given back, taken out.

Subscriptions with something queued stand in a ring, one ring for each lane. Whoever claims walks along it and takes a fair
handful at every stop, so that no backlog, however long, is ever searched for the messages of others. A claim is a lease:
what a dead worker held becomes due again when it runs out (`reclaim`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from workwire.kernel import ids
from workwire.outbox.models import Pending
from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.models import Lane, Queued, State

LANES = (Lane.TEST, Lane.FRESH, Lane.RETRY, Lane.BULK)
WHOLE_RING = 1_000
MOST_COUNTED = 100_000

_RINGS = """
    WITH RECURSIVE stop(lane, id, number) AS (
        SELECT l.column1, (SELECT min(subscription_id) FROM webhooks_queued
                WHERE claimed_by IS NULL AND lane = l.column1 AND subscription_id > l.column2), 1
        FROM (VALUES {after}) l
        UNION ALL
        SELECT stop.lane, (SELECT min(subscription_id) FROM webhooks_queued
                WHERE claimed_by IS NULL AND lane = stop.lane AND subscription_id > stop.id), number + 1
        FROM stop WHERE stop.id IS NOT NULL AND number < {most})
    SELECT stop.lane, stop.id, s.endpoint, s.owner_id,
           (SELECT min(due_at) FROM webhooks_queued
                WHERE claimed_by IS NULL AND lane = stop.lane AND subscription_id = stop.id),
           s.paused_at IS NOT NULL AND s.ended_at IS NULL, s.most_per_second, s.failing_since IS NOT NULL
    FROM stop JOIN webhooks_subscription s ON s.id = stop.id
    ORDER BY stop.lane, stop.id
"""
_AFTER = "(CAST(%s AS smallint), CAST(%s AS bigint))"
# A claim need not be on disk when its messages go out: what is settled after it is, and takes it along.
_UNSYNCED = "(SELECT set_config('synchronous_commit', 'off', true)) AS unsynced"
# The holder, told so that PostgreSQL finds the rows by their ids: by its leases it would look at all it holds, each time.
_HELD_BY = "(claimed_by = %s) IS TRUE"
_DUE = """
    SELECT delivery_id FROM webhooks_queued w
    WHERE claimed_by IS NULL AND lane = {lane} AND subscription_id = {stop} AND due_at <= {now}
    AND (NOT in_order OR NOT EXISTS (
        SELECT 1 FROM webhooks_queued e WHERE e.in_order AND e.subscription_id = w.subscription_id
        AND e.record_guid = w.record_guid AND e.delivery_id < w.delivery_id))
    ORDER BY due_at, delivery_id LIMIT {quota}
"""
_CLAIM_ALONG_ARRAYS = (
    "UPDATE webhooks_queued SET claimed_by = %s, due_at = %s WHERE delivery_id = ANY(ARRAY("
    "SELECT picked.delivery_id FROM "
    + _UNSYNCED
    + ", unnest(%s::bigint[], %s::int[]) AS stop(id, quota) CROSS JOIN LATERAL ("
    + _DUE.format(lane="%s", stop="stop.id", now="%s", quota="stop.quota")
    + " FOR UPDATE OF w SKIP LOCKED) picked)) RETURNING delivery_id, subscription_id"
)
_CLAIM_AT_ONE_STOP = (
    "UPDATE webhooks_queued SET claimed_by = %s, due_at = %s WHERE delivery_id IN ("
    + _DUE.format(lane="%s", stop="%s", now="%s", quota="%s")
    + ") RETURNING delivery_id, subscription_id"
)
_ADD = (
    "INSERT INTO webhooks_delivery (guid, subscription_id, event_id, record_guid, test_body, state, attempts,"
    " end_reason, created_at) {rows} ON CONFLICT DO NOTHING RETURNING id, subscription_id, record_guid"
)
_FROM_ARRAYS = (
    "SELECT guid, subscription, event, record, '', 0, 0, '', %s FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[],"
    " %s::uuid[]) WITH ORDINALITY AS given(guid, subscription, event, record, place) ORDER BY place"
)
_FROM_JSON = (
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
    " json_extract(value, '$[3]'), '', 0, 0, '', %s FROM json_each(%s) WHERE true ORDER BY key"
)
_QUEUE = (
    "INSERT INTO webhooks_queued (delivery_id, subscription_id, record_guid, lane, due_at, tries, is_replay, in_order)"
    " SELECT d.id, d.subscription_id, d.record_guid, %s, %s, 0, %s, s.in_order{unless} FROM {deliveries} d"
    " JOIN webhooks_subscription s ON s.id = d.subscription_id"
)
_NO_TEST = " AND d.event_id IS NOT NULL"  # a test waits for no message of its record, nor lets one wait
_PUT_IN = _QUEUE.format(deliveries="webhooks_delivery", unless=_NO_TEST) + " WHERE {these}{held}"
_ADD_AND_PUT_IN = (
    f"WITH made AS ({_ADD.format(rows=_FROM_ARRAYS)}), queued AS ({_QUEUE.format(deliveries='made', unless='')}),"
    " gone AS (DELETE FROM outbox_pending WHERE event_id = ANY(%s::bigint[])) SELECT id FROM made"
)
_KEPT_THERE = " FOR KEY SHARE OF d"  # retention removes none of these meanwhile
_OR_MOVE_UP = (
    " ON CONFLICT (delivery_id) DO UPDATE SET lane = excluded.lane, due_at = excluded.due_at, tries = 0,"
    " is_replay = excluded.is_replay WHERE webhooks_queued.claimed_by IS NULL"
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A subscription with something queued in a lane: where it goes, whose it is, when its first becomes due; `rate` is
    how many messages a second it wants at most, 0 for any number; `failing` says that its endpoint took nothing lately."""

    subscription: int
    endpoint: str
    owner: int
    due_at: datetime
    paused: bool
    rate: int
    failing: bool


def add(
    wanted: Sequence[tuple[int, int, UUID, Lane]],
    now: datetime,
    *,
    is_replay: bool = False,
    fanned_out: Sequence[int] = (),
) -> list[int]:
    """Write deliveries and queue them, in this order, for rows of subscription, event, the record the event is about and
    lane; pairs of subscription and event that have one already are passed over. Returns the ids of those written. Events that
    are `fanned_out` thereby are pending no longer."""
    if not wanted:
        _forget_pending(fanned_out)
    by_lane = groupby(wanted, key=lambda row: row[3])
    return [pk for lane, some in by_lane for pk in _add(list(some), lane, now, is_replay, fanned_out)]


def _add(
    wanted: Sequence[tuple[int, int, UUID, Lane]], lane: Lane, now: datetime, is_replay: bool, fanned_out: Sequence[int]
) -> list[int]:
    if sql.on_postgresql():
        subscriptions, events, records, _ = (list(column) for column in zip(*wanted, strict=True))
        guids = [ids.new_guid() for _ in wanted]
        given = guids, subscriptions, events, records
        found = sql.rows(_ADD_AND_PUT_IN, now, *given, int(lane), now, is_replay, sql.listed(fanned_out))
        return [pk for (pk,) in found]
    rows = [(ids.new_guid().hex, row[0], row[1], row[2].hex) for row in wanted]
    made = [row[0] for row in sql.rows(_ADD.format(rows=_FROM_JSON), sql.moment(now), sql.as_json(rows))]
    put_in = _PUT_IN.format(these=sql.any_of("d.id"), held="")
    sql.run(put_in, int(lane), sql.moment(now), is_replay, sql.listed(made))
    _forget_pending(fanned_out)
    return made


def _forget_pending(events: Sequence[int]) -> None:
    if events:
        sql.run(f"DELETE FROM outbox_pending WHERE {sql.any_of('event_id')}", sql.listed(events))


def put_back(deliveries: Collection[int], lane: Lane, now: datetime, *, is_replay: bool = True) -> None:
    """Queue deliveries again that have ended, or move up those that wait; what is being sent goes on being sent."""
    statement = _PUT_IN.format(these=sql.any_of("d.id"), held=_KEPT_THERE if sql.on_postgresql() else "") + _OR_MOVE_UP
    sql.run(statement, int(lane), sql.moment(now), is_replay, sql.listed(deliveries))
    sql.run(
        f"UPDATE webhooks_delivery SET state = {State.DUE}, finished_at = NULL, end_reason = '' WHERE {sql.any_of('id')}",
        sql.listed(deliveries),
    )


def waiting(subscription: int, lane: Lane, *, most: int) -> int:
    """How many deliveries of a subscription wait in a lane, counted up to `most`."""
    return Queued.objects.filter(claimed_by=None, lane=lane, subscription=subscription)[:most].count()


def rings(after: Mapping[Lane, int], *, limit: int = WHOLE_RING) -> dict[Lane, list[Stop]]:
    """The stops of lanes' rings behind a subscription's id each, in order; fewer than `limit` when a ring's end is reached.
    One query."""
    places = [number for lane, place in after.items() for number in (int(lane), place)]
    found: dict[Lane, list[Stop]] = {lane: [] for lane in after}
    for lane, subscription, endpoint, owner, due_at, paused, rate, failing in sql.rows(
        _RINGS.format(after=", ".join([_AFTER] * len(after)), most=int(limit)), *places
    ):
        stop = Stop(subscription, endpoint, owner, sql.read_moment(due_at), bool(paused), rate or 0, bool(failing))
        found[Lane(lane)].append(stop)
    return found


def claim(
    worker: UUID, now: datetime, lane: Lane, quotas: Sequence[tuple[int, int]], *, until: datetime
) -> dict[int, int]:
    """Claim due deliveries of a lane until a moment, of each subscription at most its quota; returns their ids, each with
    its subscription's."""
    if not quotas:
        return {}
    if sql.on_postgresql():
        stops, most = (list(column) for column in zip(*quotas, strict=True))
        return dict(sql.rows(_CLAIM_ALONG_ARRAYS, worker, until, stops, most, int(lane), now))
    holder, end, moment = sql.guid(worker), sql.moment(until), sql.moment(now)
    with transaction.atomic():
        return dict(
            row
            for stop, quota in quotas
            for row in sql.rows(_CLAIM_AT_ONE_STOP, holder, end, int(lane), stop, moment, quota)
        )


def cancel_all(subscription: int, reason: str, now: datetime) -> int:
    """End whatever waits or is being sent to a subscription; returns how many. What fan-out writes at the same moment is
    ended when it is claimed. In the order in which settling locks: the queue, then the log."""
    found = sql.rows("DELETE FROM webhooks_queued WHERE subscription_id = %s RETURNING delivery_id", subscription)
    return sql.run(
        f"UPDATE webhooks_delivery SET state = {State.CANCELLED:d}, end_reason = %s, finished_at = %s"
        f" WHERE {sql.any_of('id')}",
        reason,
        sql.moment(now),
        sql.listed(row[0] for row in found),
    )


def release(worker: UUID, unsent: Collection[int], now: datetime) -> None:
    """Give claimed deliveries back, due at once and without a try counted."""
    if not unsent:
        return
    sql.run(
        f"UPDATE webhooks_queued SET claimed_by = NULL, due_at = %s WHERE {_HELD_BY} AND {sql.any_of('delivery_id')}",
        sql.moment(now),
        sql.guid(worker),
        sql.listed(unsent),
    )


def reclaim(now: datetime) -> int:
    """Make due what was claimed under leases that have run out; returns how many."""
    return sql.run(
        "UPDATE webhooks_queued SET claimed_by = NULL WHERE claimed_by IS NOT NULL AND due_at <= %s", sql.moment(now)
    )


def leave(worker: UUID, ended: Collection[int]) -> list[int]:
    """Remove from the queue the deliveries that a worker still holds; returns which they were."""
    found = sql.rows(
        f"DELETE FROM webhooks_queued WHERE {_HELD_BY} AND {sql.any_of('delivery_id')} RETURNING delivery_id",
        sql.guid(worker),
        sql.listed(ended),
    )
    return [row[0] for row in found]


def clean() -> None:
    """PostgreSQL: let go of rows that have left the queue and of events that were fanned out (decision 26). Outside a
    transaction."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (SKIP_LOCKED, INDEX_CLEANUP ON, TRUNCATE OFF) webhooks_queued, outbox_pending")


def retry(worker: UUID, later: Sequence[tuple[int, Lane, datetime]]) -> None:
    """Give back deliveries after a failed attempt, each to a lane and until a moment."""
    if not later:
        return
    if sql.on_postgresql():
        deliveries, lanes, moments = (list(column) for column in zip(*later, strict=True))
        sql.run(
            "UPDATE webhooks_queued q SET claimed_by = NULL, tries = tries + 1, lane = l.lane, due_at = l.due_at"
            " FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[]) AS l(id, lane, due_at)"
            f" WHERE q.delivery_id = l.id AND {_HELD_BY}",
            deliveries,
            [int(lane) for lane in lanes],
            moments,
            worker,
        )
        return
    for delivery, lane, moment in later:
        sql.run(
            "UPDATE webhooks_queued SET claimed_by = NULL, tries = tries + 1, lane = %s, due_at = %s"
            " WHERE delivery_id = %s AND claimed_by = %s",
            int(lane),
            sql.moment(moment),
            delivery,
            sql.guid(worker),
        )


class Depth(NamedTuple):
    """How many deliveries wait in each lane, due or not, and how many are being sent; how many events wait for fan-out.
    Each is counted up to `MOST_COUNTED`."""

    waiting: dict[Lane, int]
    sending: dict[Lane, int]
    pending: int


class Ages(NamedTuple):
    """Seconds that the oldest has been waiting, 0 when there is none: of deliveries due and events not fanned out; of the
    same without deliveries to failing endpoints; of events not fanned out. Paused subscriptions wait for their owners and
    do not count."""

    oldest: float
    healthy: float
    pending: float


def depth(subscription: int | None = None) -> Depth:
    """How long the queue is, of one subscription or in all; two queries, of bounded cost however long it is."""
    mine = Queued.objects.filter(subscription=subscription) if subscription else Queued.objects.all()
    counted: list[QuerySet[Any, Any]] = [
        mine.filter(claimed_by=None, lane=lane).order_by()[:MOST_COUNTED].values("lane") for lane in LANES
    ]
    if not subscription:
        counted.append(Pending.objects.order_by()[:MOST_COUNTED].values("event_id"))
    sending = mine.filter(claimed_by__isnull=False).order_by()[:MOST_COUNTED].values("lane")
    counts = ", ".join(["(SELECT count(*) FROM ({}) q)"] * len(counted))
    texts, parameters = zip(*(one.query.sql_with_params() for one in counted), strict=True)
    row = sql.rows(f"SELECT {counts}".format(*texts), *(one for some in parameters for one in some))[0]
    return Depth(
        dict(zip(LANES, row, strict=False)),
        dict.fromkeys(LANES, 0)
        | {Lane(lane): count for lane, count in Counter(sending.values_list("lane", flat=True)).items()},
        0 if subscription else row[-1],
    )


def ages(now: datetime) -> Ages:
    """How old the oldest of the queue is; costs as much as there are subscriptions with something queued."""
    stops = [stop for stop in _whole_rings() if not stop.paused]
    event = Pending.objects.order_by("event_id").values_list("event__occurred_at", flat=True).first()
    events = [event] if event is not None else []
    due = (
        [*events, *(stop.due_at for stop in stops)],
        [*events, *(stop.due_at for stop in stops if not stop.failing)],
        events,
    )
    return Ages(*(max(0.0, (now - min(moments)).total_seconds()) if moments else 0.0 for moments in due))


def oldest_due(now: datetime) -> float:
    """Age in seconds of the oldest delivery that is due, or of the oldest event not fanned out; 0 when there is none."""
    return ages(now).oldest


def oldest_due_of(subscription: int, now: datetime) -> float:
    """Age in seconds of the oldest delivery of a subscription that is due; 0 when there is none."""
    heads = [
        Queued.objects.filter(claimed_by=None, lane=lane, subscription=subscription)
        .order_by("due_at")[:1]
        .values("due_at")
        for lane in LANES
    ]
    moments = [row["due_at"] for head in heads for row in head]
    return max(0.0, (now - min(moments)).total_seconds()) if moments else 0.0


def _whole_rings() -> Iterator[Stop]:
    after = dict.fromkeys(LANES, 0)
    while after:
        found = rings(after)
        for stops in found.values():
            yield from stops
        after = {lane: stops[-1].subscription for lane, stops in found.items() if len(stops) == WHOLE_RING}
