"""How large the tables grow and how quickly what is old goes: `python bench/tables.py [deliveries]`, on PostgreSQL.

Fills a month of events, deliveries and attempts, copies of one that was really sent, and prints the bytes of each with its
indexes; then removes what is old as the product does, in batches, and compares with dropping a partition, and what
partitions cost the statements that know a delivery by its id alone.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

import filling
import rig

DAYS = 30
SETTLED = 500  # deliveries settled by one statement
ROUNDS = 40
COPY = """
INSERT INTO {table} ({columns}) SELECT {values} FROM {table} s, generate_series(1, {count}) AS n
WHERE s.id = {sample}"""
GIVEN = {  # what differs from the sample, by table; n counts from 1
    "outbox_event": {
        "id": "{base} + n",
        "guid": "uuidv7()",
        "record_guid": "uuidv7()",
        "sequence": "n",
        "work_item_guid": "uuidv7()",
        "occurred_at": "{at}",
    },
    "webhooks_delivery": {
        "id": "{base} + n",
        "guid": "uuidv7()",
        "event_id": "{base} + n",
        "record_guid": "uuidv7()",
        "created_at": "{at}",
        "finished_at": "{at}",
    },
    "webhooks_attempt": {"id": "{base} + n", "delivery_id": "{base} + n", "started_at": "{at}"},
}
BASE = 1_000_000
PARTED = """
CREATE TABLE parted (LIKE webhooks_delivery INCLUDING DEFAULTS) PARTITION BY RANGE (event_id);
CREATE UNIQUE INDEX ON parted (event_id, subscription_id);
CREATE INDEX ON parted (id);
CREATE INDEX ON parted (guid);
"""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("deliveries", type=int, nargs="?", default=1_000_000)
    count = arguments.parse_args().deliveries
    with rig.installation("postgres"):
        samples = _send_one()
        for table, sample in samples.items():
            _copy(table, sample, count)
        rig.vacuum()
        _sizes(list(samples), count)
        _compare_with_partitions(count)
        _remove(count // 5)


def _send_one() -> dict[str, int]:
    """Deliver one message; the ids of its rows by table."""
    from tests.support.receiver import Receiver
    from workwire.outbox.models import Event
    from workwire.reactions.webhooks.models import Attempt
    from workwire.worker.delivery.engine import Engine
    from workwire.worker.delivery.transport import ThreadTransport

    office, engine = filling.office(tickets=1), Engine(ThreadTransport)
    with Receiver() as receiver:
        filling.subscribe(office, [receiver.url("/hook")])
        filling.add_events(1)
        engine.drain()
        engine.close()
    attempt = Attempt.objects.select_related("delivery").get()
    event = Event.objects.filter(deliveries=attempt.delivery_id).get()
    return {"outbox_event": event.pk, "webhooks_delivery": attempt.delivery_id, "webhooks_attempt": attempt.pk}


def _copy(table: str, sample: int, count: int) -> None:
    names = [row[0] for row in _rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)]
    at = f"now() - interval '{DAYS} days' + n * (interval '{DAYS} days' / {count})"
    given = {name: text.format(base=BASE, at=at) for name, text in GIVEN[table].items()}
    values = ", ".join(given.get(name, f"s.{name}") for name in names)
    _run(COPY.format(table=table, columns=", ".join(names), values=values, count=count, sample=sample))


def _sizes(tables: list[str], count: int) -> None:
    total = 0.0
    for table in tables:
        heap, indexes = _rows("SELECT pg_table_size(%s), pg_indexes_size(%s)", table, table)[0]
        total += (heap + indexes) / count
        print(f"{table}: {heap / count:.0f} bytes a row, {indexes / count:.0f} in indexes")
        found = _rows(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
            table,
        )
        print("   " + ", ".join(f"{name} {size / count:.0f}" for name, size in found))
    print(f"together {total:.0f} bytes for an event with one delivery and one attempt")


def _remove(count: int) -> None:
    """Remove the oldest as the product does."""
    from datetime import timedelta

    from workwire.kernel import clock
    from workwire.reactions.webhooks import retention

    before, begun, removed = clock.now() + timedelta(days=1), time.perf_counter(), 0
    log = _rows("SELECT pg_current_wal_lsn()")[0][0]
    while removed < count:
        removed += retention.remove_old(before)
    took = time.perf_counter() - begun
    written = _rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", log)[0][0]
    print(
        f"batches remove {removed / took:,.0f} deliveries/s with one connection, {written / removed:.0f} bytes of WAL each"
    )
    begun = time.perf_counter()
    _run("VACUUM webhooks_delivery")
    _run("VACUUM webhooks_attempt")
    print(f"vacuum after {removed:,} removed: {time.perf_counter() - begun:.1f} s")


def _compare_with_partitions(count: int) -> None:
    """A month of deliveries in partitions of a day, by the id of the event, so that each pair stays unique."""
    _run(PARTED)
    others = (
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'webhooks_delivery' AND indexdef NOT LIKE 'CREATE UNIQUE%'"
    )
    for (definition,) in _rows(others):
        _run(re.sub(r"INDEX \S+ ON \S+", "INDEX ON parted", definition))
    step = count // DAYS + 1
    for day in range(DAYS):
        begin = BASE + 1 + day * step
        _run(
            f"CREATE TABLE parted_{day} PARTITION OF parted FOR VALUES FROM ({begin}) TO ({begin + step})"
            " WITH (fillfactor = 50)"  # as the product's own table
        )
    _run("INSERT INTO parted SELECT * FROM webhooks_delivery WHERE id > %s", BASE)
    _run("VACUUM ANALYZE parted")
    for name in ("webhooks_delivery", "parted"):
        print(
            f"{name}: settle {_settle(name, count):.1f} ms a batch of {SETTLED}, by id alone; "
            f"one by its guid {_look(name, 'guid'):.2f} ms; the newest 50 of the log {_look(name, 'log'):.2f} ms"
        )
    print(f"parted: settle {_settle('parted', count, by_event=True):.1f} ms a batch, by id and event")
    log, begun = _rows("SELECT pg_current_wal_lsn()")[0][0], time.perf_counter()
    _run("DROP TABLE parted_0")
    took = time.perf_counter() - begun
    written = _rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", log)[0][0]
    print(f"a partition of {step:,} deliveries is dropped in {took * 1000:.0f} ms, {written:,.0f} bytes of WAL")


def _settle(table: str, count: int, *, by_event: bool = False) -> float:
    """Milliseconds for settling a batch of the newest deliveries."""
    condition = "id = ANY(%s)" + (" AND event_id = ANY(%s)" if by_event else "")
    begun = time.perf_counter()
    for number in range(ROUNDS):
        last = BASE + count - number * SETTLED
        ids = list(range(last - SETTLED, last))
        parameters = [ids, ids] if by_event else [ids]
        _run(
            f"UPDATE {table} SET state = 2, attempts = attempts + 1, finished_at = now() WHERE {condition}", *parameters
        )
    return (time.perf_counter() - begun) / ROUNDS * 1000


def _look(table: str, what: str) -> float:
    """Milliseconds to find one delivery, or the newest page of a subscription's log."""
    guid, subscription = _rows(f"SELECT guid, subscription_id FROM {table} WHERE id = %s", BASE + 1000)[0]
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        if what == "guid":
            _rows(f"SELECT * FROM {table} WHERE guid = %s", guid)
        else:
            _rows(f"SELECT * FROM {table} WHERE subscription_id = %s ORDER BY id DESC LIMIT 50", subscription)
    return (time.perf_counter() - begun) / ROUNDS * 1000


def _rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _run(sql: str, *parameters: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)


if __name__ == "__main__":
    main()
