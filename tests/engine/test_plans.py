"""How PostgreSQL carries the hot statements out: in place, and by the ids it is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.conftest import ON_POSTGRES
from tests.support.world import Subscribe
from workwire.kernel import clock, ids
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


def test_what_is_held_is_found_by_its_ids(subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its leases a worker would look at all that it holds, for each batch that it settles."""
    subscription, _ = subscribe()
    now, worker = clock.now(), ids.new_guid()
    given = [Delivery(subscription=subscription, test_body="{}") for _ in range(3_000)]
    places = {"subscription": subscription, "lane": Lane.FRESH, "due_at": now}
    Queued.objects.bulk_create(Queued(delivery=row, **places) for row in Delivery.objects.bulk_create(given))
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


def test_only_a_claim_does_not_wait_for_the_disk(subscribe: Subscribe, open_ticket: Open) -> None:
    subscription, _ = subscribe()
    open_ticket()
    now = clock.now()
    fanning.fan_out(now)
    assert sql.rows("SHOW synchronous_commit") == [("on",)]
    with transaction.atomic():  # what is set within it
        assert queue.claim(ids.new_guid(), now, Lane.FRESH, [(subscription.pk, 9)], until=now)
        assert sql.rows("SHOW synchronous_commit") == [("off",)]
        transaction.set_rollback(True)
    assert sql.rows("SHOW synchronous_commit") == [("on",)]


@pytest.mark.django_db(transaction=True)
def test_a_worker_reads_no_table_whole_where_an_index_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan made while the queue is empty would else be kept when a million rows are in it."""
    told: list[str] = []

    class Told:
        def run(self) -> None:
            connection.close()
            told.append(sql.rows("SHOW enable_seqscan")[0][0])

        stop = run

    monkeypatch.setattr(worker_main, "Engine", Told)
    monkeypatch.setattr(worker_main, "_lanes", lambda _: [])
    monkeypatch.setattr(worker_main.signal, "signal", lambda *_: None)
    worker_main.main()
    connection.close()
    assert [*told, sql.rows("SHOW enable_seqscan")[0][0]] == ["off", "on"]


@pytest.mark.django_db(transaction=True)
def test_the_queue_is_cleaned_whenever_much_has_left_it(engine: Engine) -> None:
    cleaning, before = worker_main.Cleaning(engine), _cleaned()
    assert set(before) == {"outbox_pending", "webhooks_queued"}
    for more, times in ((worker_main.CLEAN_AFTER - 1, 0), (1, 1), (worker_main.CLEAN_AFTER - 1, 1), (1, 2)):
        engine._report.count_ends({State.DELIVERED: more})
        cleaning.turn()
        assert _cleaned() == {table: count + times for table, count in before.items()}


def _cleaned() -> dict[str, int]:
    """How often the tables that are cleaned were."""
    return dict(
        sql.rows(
            "SELECT relname, vacuum_count FROM pg_stat_user_tables WHERE relname IN ('webhooks_queued', 'outbox_pending')"
        )
    )
