"""Fan-out: from the events that wait in the outbox to the deliveries of those who subscribed.

This is how the webhooks read their feed. A crash loses nothing: an event stays pending until its deliveries are written, in
the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from workwire.outbox import feeds
from workwire.outbox.feeds import MOST_COUNTED, Standing, lag
from workwire.outbox.models import Pending
from workwire.reactions.webhooks import matching, queue, rights, sql
from workwire.reactions.webhooks.matching import Place
from workwire.reactions.webhooks.models import Lane

LOCK = 7_301_001  # any number; names the advisory lock that lets one worker at a time fan out
MOST_EVENTS, MOST_DELIVERIES = 500, 5_000
_READY = "(aside_until IS NULL OR aside_until <= %s)"  # not put aside
_PLACE = ", ".join(Place._fields)
# The ledger is asked for one event at a time, by its key, which OFFSET 0 makes sure of: the planner takes a queue that was
# empty a moment ago for a long one, and in a join would then walk all of the ledger for a single event.
_IN_LEDGER = (
    "SELECT p.event_id, p.in_bulk, e.* FROM ({pending}) p CROSS JOIN "
    + f"LATERAL (SELECT {_PLACE} FROM outbox_event WHERE id = p.event_id OFFSET 0) e ORDER BY p.event_id"
)
_IN_LEDGER_OF_SQLITE = (
    f"SELECT p.event_id, p.in_bulk, {_PLACE} FROM ({{pending}}) p CROSS JOIN outbox_event e ON e.id = p.event_id"
    " ORDER BY p.event_id"
)
_FIRST = f"SELECT event_id, in_bulk FROM outbox_pending WHERE {_READY} ORDER BY event_id LIMIT %s"
# Of no bulk change, and after none of its record that waits.
_FIRST_UNHINDERED = f"""
    SELECT f.event_id, f.in_bulk FROM outbox_pending f WHERE NOT f.in_bulk AND {_READY} AND NOT EXISTS (
        SELECT 1 FROM outbox_event this JOIN outbox_event b ON b.record_guid = this.record_guid AND b.sequence < this.sequence
        WHERE this.id = f.event_id AND EXISTS (
            SELECT 1 FROM outbox_pending WHERE event_id = b.id AND in_bulk AND {_READY} LIMIT 1 OFFSET 0)
        LIMIT 1 OFFSET 0)
    ORDER BY f.event_id LIMIT %s
"""
_WANTED = """
    SELECT k.webhook, k.filter_key, s.id, s.starts_after FROM unnest(%s::smallint[], %s::text[]) AS k(webhook, filter_key)
    CROSS JOIN LATERAL (SELECT id, starts_after FROM webhooks_subscription
        WHERE webhook = k.webhook AND filter_key = k.filter_key AND ended_at IS NULL OFFSET 0) s
"""
_WANTED_OF_SQLITE = """
    SELECT s.webhook, s.filter_key, s.id, s.starts_after FROM json_each(%s) k CROSS JOIN webhooks_subscription s
    ON s.webhook = json_extract(k.value, '$[0]') AND s.filter_key = json_extract(k.value, '$[1]') AND s.ended_at IS NULL
"""
_Row = tuple[int, bool, Place]


def fan_out(now: datetime, *, told: bool = False) -> int:
    """Write the deliveries of a batch of pending events, and drop the pending rows; returns how many events. `told` says that
    there are some, as far as the caller knows.

    One worker at a time does this, so that the deliveries of one record are written in the order of its sequence.
    Events of bulk changes come after all others, but for those of the same record. An event that cannot be fanned out is put
    aside for a while and passed by all others, also by later ones of its record.
    """
    if not told and not sql.rows(_FIRST, sql.moment(now), 1):
        return 0  # looked at without a lock: an idle worker is in nobody's way
    return feeds.turn(FEED, now)


class WebhookFeed:
    """The feed of the webhooks, with a table of its own (`Pending`, decision 60); see `feeds.Feed`."""

    name = "webhooks"

    def next(self, now: datetime) -> list[_Row]:
        """The pending events whose turn it is, where no other worker is fanning out.

        The transaction does not wait for the disk: should the server fall before it is there, the events are pending again,
        and what was sent meanwhile is sent again under the same id. Settling waits, and takes along what came before.
        """
        return _next(now) if sql.is_alone(LOCK, unsynced=True) else []

    def handle(self, rows: Sequence[_Row], now: datetime) -> int:
        """Write deliveries."""
        return _write(rows, now)

    def event_of(self, row: _Row) -> int:
        """The number of the event."""
        return row[0]

    def held_up_with(self, _row: _Row) -> None:
        """No event waits for one that is put aside, not even a later one of its record."""

    def put_aside(self, row: _Row, until: datetime) -> None:
        """Pass an event by until a moment."""
        Pending.objects.filter(pk=row[0]).update(aside_until=until)

    def standing(self, now: datetime) -> Standing:
        """How many events are pending; two queries."""
        counts = Pending.objects.order_by()[:MOST_COUNTED].aggregate(waiting=Count("pk"), aside=Count("aside_until"))
        ready = Pending.objects.filter(Q(aside_until=None) | Q(aside_until__lte=now))
        oldest = ready.order_by("event_id").values_list("event__occurred_at", flat=True).first()
        return Standing(counts["waiting"], counts["aside"], lag(oldest, now))


FEED = WebhookFeed()


def _write(pending: Sequence[_Row], now: datetime) -> int:
    """Write the deliveries of the first of some events, as many as fit into a batch; returns of how many."""
    if not pending:
        return 0
    wanted = _subscriptions_by_key([place for _, _, place in pending])
    done: list[int] = []
    found: list[tuple[int, int, UUID, Lane]] = []
    for event, in_bulk, place in pending:
        lane = Lane.BULK if in_bulk else Lane.FRESH
        found += [
            (subscription, event, place.record_guid, lane)
            for key in matching.keys_of(place)
            for subscription, starts_after in wanted.get(key, ())
            if event > starts_after
        ]
        done.append(event)
        if len(found) >= MOST_DELIVERIES:
            break
    made = queue.add(found, now, fanned_out=done)
    if any(key == matching.EVERYTHING for _, key in wanted):
        drop_unseen(made, now)
    return len(done)


def drop_unseen(made: Sequence[int], now: datetime) -> int:
    """Remove fresh deliveries to subscriptions to *everything the owner may see* whose event the owner may not see: such an
    event is no match. Called in the transaction that wrote them; returns how many."""
    unseen = sql.listed(rights.unseen_of_everything(made))
    sql.run(f"DELETE FROM webhooks_queued WHERE {sql.any_of('delivery_id')}", unseen)
    return sql.run(f"DELETE FROM webhooks_delivery WHERE {sql.any_of('id')}", unseen)


def _next(now: datetime) -> list[_Row]:
    """The pending events whose turn it is, in the order of the ledger."""
    first = _pending(_FIRST, sql.moment(now), MOST_EVENTS)
    if len(first) < MOST_EVENTS or not any(in_bulk for _, in_bulk, _ in first):
        return first
    unhindered = _pending(_FIRST_UNHINDERED, sql.moment(now), sql.moment(now), MOST_EVENTS)
    theirs = {row[0] for row in unhindered}
    rest = [row for row in first if row[0] not in theirs]
    return sorted([*unhindered, *rest[: MOST_EVENTS - len(unhindered)]])


def _pending(which: str, *parameters: Any) -> list[_Row]:
    """Pending events and their places in the ledger."""
    statement = (_IN_LEDGER if sql.on_postgresql() else _IN_LEDGER_OF_SQLITE).format(pending=which)
    return [
        (event, bool(in_bulk), Place(name, kind, *map(sql.read_guid, guids)))
        for event, in_bulk, name, kind, *guids in sql.rows(statement, *parameters)
    ]


def _subscriptions_by_key(places: Collection[Place]) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """The subscriptions, each with the position it starts after, by webhook and filter key."""
    keys = list({key for place in places for key in matching.keys_of(place)})
    if sql.on_postgresql():
        numbers, names = (list(column) for column in zip(*keys, strict=True)) if keys else ([], [])
        rows = sql.rows(_WANTED, numbers, names)
    else:
        rows = sql.rows(_WANTED_OF_SQLITE, sql.as_json(keys))
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for number, key, subscription, starts_after in rows:
        found.setdefault((number, key), []).append((subscription, starts_after))
    return found
