"""The delivery log: every page is what the whole log, filtered and cut, would show, for everybody and every wish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer, Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.access import queries as sight
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands, fanning, log, queries, repair, sql
from workwire.reactions.webhooks.log import Wish
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, State, Subscription
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


@pytest.fixture
def past(
    organisation: Organisation,
    subscribe: Subscribe,
    open_ticket: Open,
    second: Customer,
    actors: dict[str, Actor],
    engine: Engine,
    receiver: Receiver,
) -> datetime:
    """Deliveries of two owners in every state, over two days; gives a moment between the days."""
    now = clock.now()
    with clock.frozen(now - timedelta(days=1)) as advance:
        everything, _ = subscribe(filter_type=ObjectType.NONE, filter_guid=None)
        subscribe()
        subscribe(by="process builder")
        ended, _ = subscribe(webhook=1)
        receiver.script("/hook", status=500, times=2)
        for customer in (second, *organisation.customers, second):
            work.update(open_ticket(customer), by=actors["team member"], title="Changed")
        engine.drain()
        repair.simulate(everything.guid, by=actors["integrator"])
        engine.drain()
        advance(timedelta(days=1))
        user = organisation.accounts["integrator"].user
        access.change_members(organisation.customers[0].group, remove=[user], by=actors["administrator"])
        for customer in (second, *organisation.customers):
            open_ticket(customer)
        engine.drain()
        work.update(open_ticket(), by=actors["team member"], title="Pending")
        fanning.fan_out(clock.now())
        commands.unsubscribe(ended.guid, by=actors["administrator"])
    some = Delivery.objects.filter(state=State.DELIVERED, event__isnull=False).order_by("pk")[:2]
    Delivery.objects.filter(pk__in=[row.pk for row in some]).update(state=State.GAVE_UP, end_reason="tried_enough")
    return now - timedelta(hours=12)


def _expected(actor: Actor, wish: Wish) -> list[int]:
    found = queries.deliveries_visible_to(actor)
    narrow = {
        "subscription__guid": wish.subscription_guid,
        "subscription__webhook": wish.webhook,
        "record_guid": wish.record_guid,
        "created_at__gte": wish.since,
        "created_at__lt": wish.until,
    }
    found = found.filter(**{name: value for name, value in narrow.items() if value is not None})
    if wish.record_guid is not None:
        found = found.filter(queries.content_visible(actor))
    rows = found.order_by("-pk")
    return [row.pk for row in rows if wish.state is None or queries.standing(row) == wish.state]


def _walked(actor: Actor, wish: Wish, limit: int) -> list[int]:
    ids: list[int] = []
    cursor = None
    while True:
        page = log.page(actor, wish, limit=limit, cursor=cursor)
        assert len(page.rows) <= limit
        ids += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return ids


def test_every_wish_of_everybody_is_answered_as_by_the_whole_log(past: datetime, actors: dict[str, Actor]) -> None:
    record = Delivery.objects.exclude(record_guid=None).order_by("pk")[0].record_guid
    subscription = Delivery.objects.order_by("pk")[0].subscription.guid
    wishes = [
        Wish(),
        Wish(webhook=0),
        Wish(webhook=5),
        Wish(record_guid=record),
        Wish(record_guid=record, state=State.DELIVERED),
        Wish(subscription_guid=subscription),
        Wish(since=past),
        Wish(until=past),
        Wish(since=past, until=past + timedelta(days=1), webhook=0),
        *(Wish(state=state) for state in State),
        *(Wish(state=state, subscription_guid=subscription) for state in State),
        *(Wish(state=state, until=past) for state in State),
    ]
    shown, states = 0, set()
    for who in ("administrator", "process builder", "integrator", "process builder of one company"):
        for wish in wishes:
            expected = _expected(actors[who], wish)
            for limit in (2, 50):
                assert _walked(actors[who], wish, limit) == expected, (who, wish)
            shown += len(expected)
            states |= {wish.state} if expected and wish.state is not None else set()
    assert shown > 100
    assert states == set(State) - {State.SENDING}
    assert not sight.sees_all(actors["integrator"])


@pytest.mark.usefixtures("past")
def test_a_page_looks_at_little_more_than_it_shows(actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who may see none of many gets short pages and a way on, not a walk along the whole log."""
    monkeypatch.setattr(log, "MOST_ROUNDS", 1)
    Delivery.objects.filter(state=State.WITHHELD).update(state=State.DELIVERED, end_reason="")
    rows, cursor, pages = 0, None, 0
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = log.page(actors["integrator"], Wish(webhook=0), limit=1, cursor=cursor)
        assert len(asked) <= 3
        rows, cursor, pages = rows + len(page.rows), page.next_cursor, pages + 1
        if cursor is None:
            break
    assert rows == len(_expected(actors["integrator"], Wish(webhook=0)))
    assert pages > rows


@pytest.mark.parametrize("passed", [0, 1, 50])
def test_the_queue_is_shown_alike_however_much_of_it_is_passed(
    passed: int, past: datetime, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MOST_PASSED", passed)
    Queued.objects.all().delete()
    queued = list(Delivery.objects.select_related("subscription").order_by("pk"))
    for number, row in enumerate(queued):
        claimed_by = None if number % 3 else ids.new_guid()
        place = {"lane": Lane(number % len(Lane)), "claimed_by": claimed_by, "due_at": past}
        Queued.objects.create(delivery=row, subscription=row.subscription, **place)
    Delivery.objects.update(state=State.DUE, end_reason="")
    shown = 0
    for who in ("administrator", "process builder", "integrator", "process builder of one company"):
        for state in (State.DUE, State.SENDING):
            wishes = [
                Wish(state=state),
                Wish(state=state, webhook=1),
                Wish(state=state, since=past, until=past + timedelta(days=1)),
                Wish(state=state, until=past),
                *(Wish(state=state, subscription_guid=guid) for guid in {row.subscription.guid for row in queued}),
            ]
            for wish in wishes:
                expected = _expected(actors[who], wish)
                for limit in (1, 2, 50):
                    assert _walked(actors[who], wish, limit) == expected, (who, wish, limit)
                shown += len(expected)
    assert shown > 60


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("state", [State.DUE, State.SENDING])
def test_what_others_have_in_the_queue_costs_nobody_a_page(state: State, actors: dict[str, Actor]) -> None:
    """What waits and what is being sent of one's own lies behind ever more that waits of others."""
    actor = actors["process builder of one company"]
    other = Subscription.objects.exclude(owner=actor.user_id).order_by("pk")[0]
    mine = Subscription.objects.get(pk=other.pk)
    mine.pk, mine.guid, mine.owner_id = None, ids.new_guid(), actor.user_id
    mine.save(force_insert=True)
    _queue(mine, 5, claimed_by=ids.new_guid() if state == State.SENDING else None)
    looked_at: list[int] = []
    for more in (300, 3_000):
        _queue(other, more)
        if sql.on_postgresql():
            sql.run("ANALYZE webhooks_queued")
        with _counted() as effort:
            assert len(log.page(actor, Wish(state=state), limit=2).rows) == 2
        looked_at += effort
    assert 0 < looked_at[1] < looked_at[0] * 1.2


def _queue(to: Subscription, number: int, **place: Any) -> None:
    rows = Delivery.objects.bulk_create(Delivery(subscription=to, test_body="{}") for _ in range(number))
    Queued.objects.bulk_create(Queued(delivery=row, subscription=to, due_at=clock.now(), **place) for row in rows)


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Ends with how many rows of the queue were looked at, or how many tens of steps the embedded database took."""
    effort: list[int] = []
    if sql.on_postgresql():
        before = _rows_looked_at()
        yield effort
        effort.append(_rows_looked_at() - before)
    else:
        steps: list[None] = []
        connection.connection.set_progress_handler(lambda: steps.append(None), 10)
        yield effort
        connection.connection.set_progress_handler(None, 0)
        effort.append(len(steps))


def _rows_looked_at() -> int:
    """How many in this transaction."""
    counted = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'webhooks_queued'"
    return int(sql.rows(counted)[0][0])


def test_no_index_of_the_log_holds_what_settling_changes() -> None:
    """Else PostgreSQL writes every index anew with every delivery, instead of settling in place; conditions count too."""
    for index in Delivery._meta.indexes:
        parts = index.condition.flatten() if index.condition is not None else ()
        named = {name.lstrip("-") for name in index.fields} | {part[0] for part in parts if isinstance(part, tuple)}
        assert not named & {"state", "attempts", "finished_at"}, index.name


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("state", [State.WITHHELD, State.GAVE_UP, State.CANCELLED])
def test_each_kind_of_end_is_found_along_an_index_of_its_own(state: State) -> None:
    one = Subscription.objects.order_by("pk")[0].guid
    of_one = _asked(Wish(state=state, subscription_guid=one))
    of_all = _asked(Wish(state=state))
    if sql.on_postgresql():  # goes by how many there are
        Delivery.objects.bulk_create(_delivered(2_000))
        sql.run("ANALYZE webhooks_delivery")
    assert f"delivery_log_{state.label}" in _plans(of_one)
    assert f"delivery_{state.label}" in _plans(of_all)


def _asked(wish: Wish) -> list[tuple[str, Any]]:
    """The queries for deliveries that a page of the log asks, with their parameters."""
    asked: list[tuple[str, Any]] = []

    def keep(execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if "webhooks_delivery" in statement:
            asked.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(keep):
        log.page(SYSTEM, wish)
    return asked


def _plans(asked: list[tuple[str, Any]]) -> str:
    """How the database would answer queries."""
    kind = "EXPLAIN" if sql.on_postgresql() else "EXPLAIN QUERY PLAN"
    found = []
    with connection.cursor() as cursor:
        for statement, parameters in asked:
            cursor.execute(f"{kind} {statement}", parameters)
            found.append(cursor.fetchall())
    return str(found)


def _delivered(number: int) -> list[Delivery]:
    """So many that it matters how others are found."""
    to = Subscription.objects.order_by("pk")[0]
    return [Delivery(subscription=to, test_body="{}", state=State.DELIVERED) for _ in range(number)]
