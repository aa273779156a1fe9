"""How PostgreSQL carries the hot statements out: in place, and by the ids it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.conftest import ON_POSTGRES
from tests.support.world import Subscribe
from workwire import settings
from workwire.kernel import clock, ids
from workwire.outbox.models import Event
from workwire.reactions.webhooks import fanning, queue, sql
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State
from workwire.rooms.work.models import WorkItem
from workwire.worker import main as worker_main
from workwire.worker.delivery.engine import Engine

pytestmark = [
    pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has one plan for these"),
    pytest.mark.django_db,
]
Open = Callable[..., WorkItem]


def test_a_delivery_is_settled_in_place(subscribe: Subscribe, open_ticket: Open, engine: Engine) -> None:
    """Whatever index names a column that settling changes would make each delivery an entry in every index anew."""
    subscribe()
    before = _updated()
    for _ in range(20):
        open_ticket()
    engine.drain()
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 20
    updates, in_place = (after - count for after, count in zip(_updated(), before, strict=True))
    assert updates == 20
    assert in_place > 10  # not all, where a page holds what others left behind; with such an index none


def _updated() -> tuple[int, ...]:
    """How many deliveries were updated so far, and how many of them in place."""
    counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'webhooks_delivery'"
    return sql.rows(counted)[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", ["its size", "nothing", "that it was empty"])
def test_what_is_held_is_found_by_its_ids(subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    """By its leases a worker would look at all that it holds, for each batch that it settles; whatever the planner knows of
    the queue."""
    subscription, _ = subscribe()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE webhooks_queued")  # nothing is known of it after that
        if known == "that it was empty":
            cursor.execute("VACUUM ANALYZE webhooks_queued")
    now, worker = clock.now(), ids.new_guid()
    given = [Delivery(subscription=subscription, test_body="{}") for _ in range(3_000)]
    places = {"subscription": subscription, "lane": Lane.FRESH, "due_at": now}
    Queued.objects.bulk_create(Queued(delivery=row, **places) for row in Delivery.objects.bulk_create(given))
    if known == "its size":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE webhooks_queued")
    held = list(queue.claim(worker, now, Lane.FRESH, [(subscription.pk, 500)], until=now + timedelta(minutes=1)))
    assert len(held) == 500
    plans: list[str] = []

    def explain(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return []

    monkeypatch.setattr(sql, "rows", explain)
    monkeypatch.setattr(sql, "run", explain)
    queue.leave(worker, held[:50])
    queue.release(worker, held[:50], now)
    queue.retry(worker, [(held[0], Lane.RETRY, now)])
    assert len(plans) == 3
    for plan in plans:
        assert "webhooks_queued_pkey" in plan
        assert "queue_leases" not in plan


@pytest.mark.django_db(transaction=True)
def test_only_fan_out_and_claims_do_not_wait_for_the_disk(subscribe: Subscribe, open_ticket: Open) -> None:
    subscription, _ = subscribe()
    open_ticket()
    now = clock.now()
    with transaction.atomic():
        assert fanning.fan_out(now)
        assert sql.rows("SHOW synchronous_commit") == [("off",)]
    assert sql.rows("SHOW synchronous_commit") == [("on",)]
    with transaction.atomic():  # what is set within it
        assert queue.claim(ids.new_guid(), now, Lane.FRESH, [(subscription.pk, 9)], until=now)
        assert sql.rows("SHOW synchronous_commit") == [("off",)]
        transaction.set_rollback(True)
    assert sql.rows("SHOW synchronous_commit") == [("on",)]


def test_sessions_ask_themselves_for_what_they_need() -> None:
    wanted = {"jit": "off", "join_collapse_limit": "4", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "on"}
    assert {name: sql.rows(f"SHOW {name}")[0][0] for name in wanted} == wanted


@pytest.mark.django_db(transaction=True)
def test_nothing_is_compiled() -> None:
    """However much a statement seems to cost; a server from the wheel could not compile it at all."""
    with connection.cursor() as cursor:
        cursor.execute("SET jit_above_cost = 0")
        cursor.execute("EXPLAIN (ANALYZE) SELECT count(*) FROM outbox_event")
        assert not [line for (line,) in cursor.fetchall() if "JIT" in line]
    connection.close()


def test_options_of_the_operator_come_beside_ours() -> None:
    given = "postgresql://me@db/work?options=-c%20statement_timeout%3D5000%20-c%20jit%3Don"
    options = settings.postgresql(given)["OPTIONS"]["options"]
    assert options.startswith("-c jit=off -c join_collapse_limit=4 ")
    assert options.endswith(" -c statement_timeout=5000 -c jit=on")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_bulk", [False, True])
def test_fan_out_asks_the_ledger_only_for_what_is_pending(open_ticket: Open, in_bulk: bool) -> None:
    """Once VACUUM has seen the queue of events empty, the planner takes it for long as soon as it has grown and shrunk."""
    open_ticket()
    event, few = Event.objects.latest("pk"), 600 if in_bulk else 3
    _copy(event, 30_000)
    sql.run("DELETE FROM outbox_pending")
    sql.run("VACUUM outbox_pending")
    sql.run("VACUUM ANALYZE outbox_event")
    sql.run(
        "INSERT INTO outbox_pending (event_id, in_bulk) SELECT id, %s FROM outbox_event WHERE id > %s",
        in_bulk,
        event.pk,
    )
    sql.run("DELETE FROM outbox_pending WHERE event_id <= (SELECT max(event_id) - %s FROM outbox_pending)", few)
    read = [plan for plan in _plans_carried_out(lambda: fanning.fan_out(clock.now())) if _rows_of(plan, "outbox_event")]
    assert len(read) == (2 if in_bulk else 1)
    for plan in read:
        for row in _rows_of(plan, "outbox_event"):
            assert row <= 1  # each time; a walk of all of the ledger gives thousands


def _copy(event: Event, times: int) -> None:
    """Put copies of an event into the ledger, each of a record of its own."""
    columns = (
        "name, record_type, company_guid, contract_guid, service_guid, work_item_guid, actor_id, occurred_at, body"
    )
    sql.run(
        f"INSERT INTO outbox_event (guid, record_guid, sequence, {columns})"
        f" SELECT gen_random_uuid(), gen_random_uuid(), 1, {columns} FROM outbox_event, generate_series(1, %s) WHERE id = %s",
        times,
        event.pk,
    )


def _plans_carried_out(work: Callable[[], object]) -> list[dict[str, Any]]:
    """How each statement of the hot path was carried out."""
    found: list[dict[str, Any]] = []

    def measured(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        found.append(plain(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)[0][0][0]["Plan"])
        return plain(statement, *parameters)

    plain = sql.rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql, "rows", measured)
        work()
    return found


def _rows_of(plan: dict[str, Any], table: str) -> list[float]:
    """How many rows of a table each node of a plan read at a time, the rows that it passed over among them."""
    found = [row for below in plan.get("Plans", []) for row in _rows_of(below, table)]
    if plan.get("Relation Name") == table:
        found.append(plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    return found


@pytest.mark.django_db(transaction=True)
def test_no_plan_made_while_tables_were_empty_outlives_their_growth(
    subscribe: Subscribe, open_ticket: Open, engine: Engine
) -> None:
    subscription, _ = subscribe()
    open_ticket()
    event = Event.objects.latest("pk")
    engine.drain()
    tables = ("outbox_pending", "webhooks_queued", "webhooks_attempt", "webhooks_delivery")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"VACUUM ANALYZE {table}")
    open_ticket()
    engine.drain()
    assert _read_whole(tables)
    _copy(event, 3_000)
    sql.run("INSERT INTO outbox_pending (event_id, in_bulk) SELECT id, false FROM outbox_event WHERE id > %s", event.pk)
    given = [Delivery(subscription=subscription, test_body="{}") for _ in range(3_000)]
    places = {"subscription": subscription, "lane": Lane.FRESH, "due_at": clock.now()}
    Queued.objects.bulk_create(Queued(delivery=row, **places) for row in Delivery.objects.bulk_create(given))
    worker_main.Cleaning(engine).turn()
    assert not _read_whole(("outbox_event", *tables))


def _read_whole(tables: Sequence[str]) -> list[str]:
    """The plans kept by this session that read one of these tables whole."""
    plans = []
    for name, count in sql.rows("SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"):
        with connection.connection.cursor() as cursor:
            nothing = f"({', '.join(['NULL'] * count)})" if count else ""
            cursor.execute(f'EXPLAIN EXECUTE "{name}"{nothing}')
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    return [plan for plan in plans if any(f"Seq Scan on {table}" in plan for table in tables)]


@pytest.mark.django_db(transaction=True)
def test_the_queue_is_cleaned_whenever_much_has_left_it(engine: Engine) -> None:
    cleaning, before = worker_main.Cleaning(engine), _cleaned()
    assert set(before) == {"outbox_pending", "webhooks_queued"}
    for more, times in ((worker_main.CLEAN_AFTER - 1, 0), (1, 1), (worker_main.CLEAN_AFTER - 1, 1), (1, 2)):
        engine.report.count_ends({State.DELIVERED: more})
        cleaning.turn()
        assert _cleaned() == {table: count + times for table, count in before.items()}


def _cleaned() -> dict[str, int]:
    """How often the tables that are cleaned were."""
    return dict(
        sql.rows(
            "SELECT relname, vacuum_count FROM pg_stat_user_tables WHERE relname IN ('webhooks_queued', 'outbox_pending')"
        )
    )
