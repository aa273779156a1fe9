"""Feeds: every event reaches every listener that asked for it, whatever dies, in order where that was asked for."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from tests.conftest import ON_POSTGRES
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.outbox import feeds, ledger, listener_feed, listeners
from workwire.outbox.ledger import Subject, record
from workwire.outbox.listeners import Listener
from workwire.outbox.models import Event, FeedEntry, FeedState
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import EventBody
from workwire.rooms.work.events import QueueCreated, QueueUpdated
from workwire.worker import feed_reading

Join = Callable[..., "Told"]
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


class Killed(BaseException):
    """The end of a worker, which no code of ours may catch."""


class Told:
    """A listener that notes what it was told in the table of another one, in the transaction of the feed: events whose record
    is `poison` fail."""

    def __init__(self, name: str, wants: frozenset[str] | None, **more: object) -> None:
        self.poison: set[UUID] = set()
        self.dies = False
        self.listener = Listener(name, wants, self.handle, **more)  # type: ignore[arg-type] # free terms

    def handle(self, events: Sequence[Event], _now: datetime) -> None:
        """Note the events; die before the commit where that is wanted."""
        noted = [FeedEntry(listener=self.place, event=event, record_guid=event.record_guid) for event in events]
        for row in noted:
            if row.record_guid in self.poison:
                raise ValueError("an event nobody can handle")
            row.save()  # one by one, so that their ids tell the order; a second time would be refused
        if self.dies:
            raise Killed

    @property
    def place(self) -> str:
        """Where it notes them: the feed of a listener that does not exist."""
        return f"{self.listener.name} knows"

    @property
    def events(self) -> list[int]:
        """What it was told, in the order in which it was."""
        return list(FeedEntry.objects.filter(listener=self.place).order_by("pk").values_list("event_id", flat=True))

    def turn(self) -> int:
        """Read a batch."""
        return listener_feed.turn(self.listener, clock.now())

    def read_all(self) -> None:
        """Read until there is nothing to read."""
        while self.turn():
            pass


@pytest.fixture
def join(monkeypatch: pytest.MonkeyPatch) -> Join:
    """Let a listener join; it leaves with the test. Others are told nothing."""
    monkeypatch.setattr(listeners, "_listeners", {})

    def make(name: str = "one", wants: frozenset[str] | None = None, **more: object) -> Told:
        told = Told(name, wants, **more)
        listeners.register(told.listener)
        return told

    return make


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Something done in a thread with a connection of its own."""
    with ThreadPoolExecutor(3) as pool:

        def start(work: Callable[[], object]) -> Future[object]:
            def run() -> object:
                try:
                    return work()
                finally:
                    connections.close_all()

            return pool.submit(run)

        yield start


def happen(record_guid: UUID = ONE, *, changed: bool = False) -> int:
    """Record an event; returns its number."""
    kind: type[EventBody] = QueueUpdated if changed else QueueCreated
    body = kind(GUID=str(record_guid), Name="x", Strict=False, Retired=False, Members=[], Managers=[])  # type: ignore[call-arg]  # a kind among several
    with transaction.atomic():
        return record(body, about=Subject(ObjectType.NONE, record_guid), by=SYSTEM, changes=()).pk


def test_each_listener_is_told_what_it_asked_for_at_its_own_pace(db: None, join: Join) -> None:
    every, some = join("every"), join("some", frozenset({"QueueUpdated"}))
    narrow = join("narrow", None, narrowed=lambda event: event.record_guid == TWO)
    events = [happen(), happen(changed=True), happen(TWO)]
    every.read_all()
    assert (every.events, some.events) == (events, [])
    some.read_all()
    narrow.read_all()
    assert (some.events, narrow.events) == ([events[1]], [events[2]])
    assert all(listener_feed.ListenerFeed(one.listener).standing(clock.now()).waiting == 0 for one in (every, some))


def test_a_batch_has_a_bound_and_nothing_of_it_is_told_twice(db: None, join: Join) -> None:
    told = join(batch=2)
    events = [happen() for _ in range(5)]
    assert [told.turn() for _ in range(4)] == [2, 2, 1, 0]
    assert told.events == events


@pytest.mark.skipif(ON_POSTGRES, reason="writers do not take turns")
def test_a_batch_leaves_time_to_others_and_lets_events_gather(
    db: None, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, left = join(batch=2), list[float]()
    ticks = iter(range(100))
    monkeypatch.setattr(feed_reading, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 50, sleep=left.append))
    for _ in range(3):
        happen()
    assert [feed_reading.turn(told.listener) for _ in range(3)] == [0.0, 0.0, feed_reading.POLL]
    full = feed_reading.SHARE_LEFT / 50
    assert left == [pytest.approx(full), pytest.approx(feed_reading.GATHERED)]
    assert full < feed_reading.GATHERED


@pytest.mark.skipif(ON_POSTGRES, reason="writers do not take turns")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("goes_meanwhile", [False, True])
def test_what_a_listener_finds_is_found_before_the_transaction(join: Join, goes_meanwhile: bool) -> None:
    """What happens meanwhile waits for the next batch; when a row is gone meanwhile, the batch is found anew."""
    within: list[bool] = []

    def find(events: Sequence[Event], _now: datetime) -> Sequence[Event]:
        within.append(connection.in_atomic_block)
        if len(within) == 1:
            later.append(happen())
            if goes_meanwhile:
                FeedEntry.objects.filter(event_id=earlier.pop(0)).delete()
        return events

    told = join(find=find)
    told.read_all()
    earlier, later = [happen(), happen()], list[int]()
    told.turn()
    assert within == ([False, True] if goes_meanwhile else [False])
    told.read_all()
    assert told.events == earlier + later


@pytest.mark.parametrize("in_order", [False, True])
def test_who_dies_between_claim_and_commit_has_done_nothing(db: None, join: Join, in_order: bool) -> None:
    told = join(in_order=in_order)
    events = [happen(), happen(), happen(TWO)]
    told.dies = True
    with pytest.raises(Killed):
        told.turn()
    assert told.events == []
    told.dies = False
    told.read_all()
    assert told.events == events


def test_a_poison_event_is_put_aside_and_stops_no_other(db: None, join: Join, caplog: pytest.LogCaptureFixture) -> None:
    told = join()
    told.poison = {TWO}
    with clock.frozen(clock.now()) as advance, caplog.at_level(logging.ERROR):
        events = [happen(), happen(TWO), happen(THREE), happen(TWO), happen()]
        told.read_all()
        assert told.events == [events[0], events[2], events[4]]
        messages = [row.message for row in caplog.records if "is put aside" in row.message]
        assert [message.split(",")[0] for message in messages] == [
            f"one cannot handle event {events[at]}" for at in (1, 3)
        ]
        feed = listener_feed.ListenerFeed(told.listener)
        assert feed.standing(clock.now()) == feeds.Standing(waiting=2, aside=2, lag=0.0)
        advance(feeds.SHORTEST_ASIDE)
        told.read_all()
        again = FeedEntry.objects.filter(listener="one").values_list("aside_until", flat=True)
        assert set(again) == {clock.now() + feeds.SHORTEST_ASIDE}
        advance(timedelta(minutes=30))
        told.read_all()
        assert min(until for until in again.all() if until) > clock.now() + timedelta(minutes=30)
        told.poison = set()
        advance(timedelta(hours=1))
        assert feed.standing(clock.now()).lag > 0
        told.read_all()
    assert sorted(told.events) == events
    assert FeedEntry.objects.filter(listener="one").count() == 0


def test_behind_an_event_put_aside_wait_the_later_ones_of_its_record_where_order_is_asked_for(
    db: None, join: Join
) -> None:
    told = join(in_order=True, batch=3)
    told.poison = {TWO}
    events = [happen(), happen(TWO), happen(), happen(TWO), happen(THREE)]
    with clock.frozen(clock.now()) as advance:
        told.read_all()
        later = happen(TWO)
        told.read_all()
        assert told.events == [events[0], events[2], events[4]]
        assert listener_feed.ListenerFeed(told.listener).standing(clock.now()) == feeds.Standing(3, 1, 0.0)
        told.poison = set()
        advance(timedelta(hours=1))
        told.read_all()
    assert told.events[3:] == [events[1], events[3], later]


def test_where_all_are_wrong_few_are_put_aside_at_a_time(db: None, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_ASIDE", 2)
    told = join()
    told.poison = {ONE}
    for _ in range(5):
        happen()
    for aside in (2, 4, 5, 5):
        assert told.turn() == 0
        assert FeedEntry.objects.filter(listener="one", aside_until__isnull=False).count() == aside


def test_a_listener_that_comes_later_begins_now(db: None, join: Join) -> None:
    happen()
    told = join()
    told.read_all()
    event = happen()
    told.read_all()
    assert told.events == [event]


def test_a_listener_may_ask_for_the_whole_ledger(db: None, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_feed, "BACKFILLED", 2)
    old = [happen(), happen(changed=True), happen(TWO), happen(TWO, changed=True), happen(changed=True)]
    told = join("late", frozenset({"QueueUpdated"}), from_the_beginning=True, in_order=True)
    young = [happen(changed=True), happen(THREE)]
    assert told.turn() > 0
    assert told.events == [], "nothing is told before its beginning is there"
    younger = happen(TWO, changed=True)
    told.read_all()
    assert sorted(told.events) == [old[1], old[3], old[4], young[0], younger]
    assert _in_order(told.events)


def test_what_waits_for_a_listener_that_is_gone_is_dropped_after_a_week(
    db: None, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stays = join("gone"), join("stays")
    gone.turn()
    happen()
    monkeypatch.setattr(listeners, "_listeners", {"stays": stays.listener})
    with clock.frozen(clock.now()) as advance:
        assert listener_feed.forget_removed(clock.now(), 1000) == 0
        advance(listener_feed.KEPT - timedelta(seconds=1))
        assert listener_feed.forget_removed(clock.now(), 1000) == 0
        assert FeedEntry.objects.filter(listener="gone").exists()
        advance(timedelta(seconds=2))
        assert listener_feed.forget_removed(clock.now(), 1000) == 1
    assert set(FeedEntry.objects.values_list("listener", flat=True)) == {"stays"}
    assert not FeedState.objects.filter(listener="gone").exists()


def test_what_is_written_for_a_listener_that_no_worker_ever_knew_goes_too(
    db: None, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    join("never read")
    happen()
    monkeypatch.setattr(listeners, "_listeners", {})
    listener_feed.forget_removed(clock.now(), 1000)
    assert listener_feed.forget_removed(clock.now() + listener_feed.KEPT + timedelta(seconds=1), 1000) == 1
    assert not FeedEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database has one worker")
def test_two_workers_share_a_feed(
    join: Join, beside: Callable[[Callable[[], object]], Future[object]], in_order: bool
) -> None:
    told = join(in_order=in_order, batch=2)
    told.turn()
    events = [happen(ONE), happen(TWO), happen(ONE), happen(THREE), happen(TWO)]
    claimed, go_on = threading.Event(), threading.Event()

    def slow(batch: Sequence[Event], now: datetime) -> None:
        told.handle(batch, now)
        claimed.set()
        go_on.wait(20)

    other = beside(lambda: listener_feed.turn(replace(told.listener, handle=slow), clock.now()))
    assert claimed.wait(20)
    mine = told.turn(), told.turn()
    seen = told.events
    go_on.set()
    assert other.result() == 2
    if in_order:  # the first two records are claimed with all that is behind them
        assert (mine, seen) == ((1, 0), [events[3]])
    else:
        assert (mine, seen) == ((2, 1), events[2:])
    told.read_all()
    assert sorted(told.events) == events


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database lets one write at a time")
def test_an_event_that_commits_late_is_not_missed(
    join: Join, beside: Callable[[Callable[[], object]], Future[object]]
) -> None:
    """Its number is lower than that of one already read."""
    told = join()
    written, go_on = threading.Event(), threading.Event()

    def late() -> int:
        with transaction.atomic():
            event = happen(TWO)
            written.set()
            go_on.wait(20)
            return event

    told.turn()
    slow = beside(late)
    assert written.wait(20)
    quick = happen(ONE)
    told.read_all()
    assert told.events == [quick]
    go_on.set()
    first = slow.result()
    told.read_all()
    assert told.events == [quick, first]
    assert isinstance(first, int)
    assert first < quick


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_and_order_is_kept_by_any_schedule(db: None, join: Join, seed: int) -> None:
    """Chance decides what happens, who reads, who dies, what is poison for a while and when listeners come."""
    chance = random.Random(seed)  # noqa: S311 - choices, no secrets
    told: list[tuple[Told, int]] = []

    def arrive() -> None:
        wants = chance.choice([None, frozenset({"QueueUpdated"}), frozenset({"QueueCreated", "QueueUpdated"})])
        whole = chance.random() < 0.5
        one = join(
            f"listener {len(told)}",
            wants,
            in_order=chance.random() < 0.7,
            from_the_beginning=whole,
            batch=chance.choice((1, 2, 7)),
        )
        told.append((one, 0 if whole else ledger.position()))

    def read() -> None:
        one, _ = chance.choice(told)
        one.dies = chance.random() < 0.3
        one.poison = {chance.choice((ONE, TWO, THREE))} if chance.random() < 0.3 else set()
        try:
            one.turn()
        except Killed:
            assert one.dies

    with clock.frozen(clock.now()) as advance:
        arrive()
        for _ in range(80):
            step = chance.random()
            if step < 0.05:
                arrive()
            elif step < 0.5:
                happen(chance.choice((ONE, TWO, THREE)), changed=chance.random() < 0.6)
            else:
                read()
            advance(timedelta(seconds=chance.choice((1, 20, 90))))
        advance(timedelta(days=1))
        for one, starts_after in told:
            one.dies, one.poison = False, set()
            one.read_all()
            wanted = [
                event.pk
                for event in Event.objects.filter(pk__gt=starts_after).order_by("pk")
                if one.listener.asks_for(event)
            ]
            assert sorted(one.events) == wanted
            assert not one.listener.in_order or _in_order(one.events)


def _in_order(events: list[int]) -> bool:
    """Whether the events of each record came by their sequence."""
    rows = {event.pk: event for event in Event.objects.filter(pk__in=events)}
    last: dict[UUID, int] = {}
    for event in events:
        if rows[event].sequence < last.get(rows[event].record_guid, 0):
            return False
        last[rows[event].record_guid] = rows[event].sequence
    return True


def test_an_event_costs_no_statement_more_when_listeners_ask_for_it(
    db: None, join: Join, django_assert_num_queries: Callable[[int], object]
) -> None:
    join("one")
    join("two")
    if connection.vendor != "postgresql":
        pytest.skip("the embedded database carries out one statement after the other")
    happen()
    with transaction.atomic(), django_assert_num_queries(3):  # type: ignore[attr-defined] # a savepoint, and one statement
        happen()
