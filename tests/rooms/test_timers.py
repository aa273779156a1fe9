"""Timers: set and cleared with the change, carried out at least once, one that fails holds up no other."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.jobs import timers
from workwire.jobs.models import Timer
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox import wake
from workwire.rooms.work import commands
from workwire.rooms.work.models import Status, WorkItem

KIND = "a kind of the test"


class Moved(list[UUID]):
    """What the handler of the test's kind was told, and what it does then."""

    failure: BaseException | None = None

    def handle(self, guid: UUID, _now: datetime) -> None:
        """Note it, or fail."""
        if self.failure is not None:
            raise self.failure
        self.append(guid)


def _hold(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let a transaction of up to 16 timers go on beginning more for so long."""
    for name in ("EMBEDDED", "SERVER"):
        monkeypatch.setattr(timers, name, replace(getattr(timers, name), together=16, longest_hold=seconds))


def _lock(guids: Sequence[UUID], _wait: bool) -> Mapping[UUID, UUID]:
    return {guid: guid for guid in guids}


@dataclass
class Watched:
    """What the timers of the tests' own kind do, which each test may change."""

    lock: Callable[[Sequence[UUID], bool], Mapping[UUID, UUID]] = _lock
    move: Callable[[UUID, datetime], object] = lambda _guid, _now: None


WATCHED = Watched()
timers.register(
    KIND,
    timers.TimerKind(
        lambda guids, wait: WATCHED.lock(guids, wait), lambda guid, now: WATCHED.move(guid, now), lambda: ()
    ),
)


@pytest.fixture
def moved(db: None, monkeypatch: pytest.MonkeyPatch) -> Moved:
    """A kind of timer that the test watches."""
    made = Moved()
    monkeypatch.setattr(WATCHED, "move", made.handle)
    return made


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """Who works."""
    return actors["team member"]


@pytest.fixture
def work_item(open_ticket: Callable[..., WorkItem], first: Customer, by: Actor) -> WorkItem:
    """A ticket that somebody works on."""
    category = first.category.guid
    return commands.take(open_ticket(category_guid=category, submit=True), by=by)


def _of(item: WorkItem) -> list[tuple[str, datetime]]:
    return list(Timer.objects.filter(subject=item.guid).values_list("kind", "due_at"))


def test_a_wait_sets_a_timer_that_its_end_clears(work_item: WorkItem, by: Actor) -> None:
    item = work_item
    assert _of(item) == []
    soon = clock.now() + timedelta(hours=1)
    commands.wait_for_information(item, until=soon, by=by)
    assert _of(item) == [("work.wait", soon)]
    commands.update(item, by=by, title="Still waiting")
    assert _of(item) == [("work.wait", soon)]
    commands.information_arrived(item, by=by)
    assert _of(item) == []


def test_what_is_set_again_counts_alone(moved: Moved) -> None:
    guid, now = ids.new_guid(), clock.now()
    timers.set_timer(KIND, guid, now - timedelta(hours=1))
    timers.set_timer(KIND, guid, now + timedelta(hours=1))
    assert timers.turn(now) == 0
    assert timers.turn(now + timedelta(hours=1)) == 1
    assert moved == [guid]
    assert not Timer.objects.exists()


def test_a_timer_is_carried_out_at_its_moment_and_not_before(work_item: WorkItem, by: Actor) -> None:
    item, soon = work_item, clock.now() + timedelta(hours=1)
    commands.wait_until(item, soon, by=by)
    with clock.frozen(soon - timedelta(seconds=1)), recorded() as found:
        assert timers.turn(clock.now()) == 0
    assert found.names == []
    with clock.frozen(soon), recorded() as found:
        assert timers.turn(clock.now()) == 1
        assert timers.turn(clock.now()) == 0
    assert found.names == ["WorkItemUpdated"]
    assert WorkItem.objects.get(pk=item.pk).status == Status.TO_DO
    assert _of(item) == []


def test_one_that_fails_holds_up_no_other_and_is_tried_again(moved: Moved, work_item: WorkItem, by: Actor) -> None:
    item, soon = work_item, clock.now() + timedelta(hours=1)
    timers.set_timer(KIND, ids.new_guid(), soon)
    commands.wait_until(item, soon, by=by)
    moved.failure = ValueError("a mistake of ours")
    with clock.frozen(soon) as advance:
        assert timers.turn(clock.now()) == 2
        assert WorkItem.objects.get(pk=item.pk).status == Status.TO_DO
        assert timers.turn(clock.now()) == 0
        moved.failure = None
        advance(timers.FIRST_PAUSE)
        assert timers.turn(clock.now()) == 1
    assert len(moved) == 1


def test_one_that_somebody_else_moved_is_dropped(moved: Moved) -> None:
    timers.set_timer(KIND, ids.new_guid(), clock.now())
    moved.failure = Conflict("item_completed")
    assert timers.turn(clock.now()) == 1
    assert not Timer.objects.exists()


def test_a_database_that_goes_away_loses_and_delays_none(moved: Moved) -> None:
    now = clock.now()
    timers.set_timer(KIND, ids.new_guid(), now)
    moved.failure = DatabaseError("gone")
    with pytest.raises(DatabaseError):
        timers.turn(now)
    moved.failure = None
    assert timers.turn(now) == 1
    assert len(moved) == 1


def test_many_of_a_kind_share_a_transaction_and_one_that_fails_costs_the_others_nothing(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, guids = clock.now(), [ids.new_guid() for _ in range(5)]
    transactions: list[int] = []

    def lock(subjects: Sequence[UUID], wait: bool) -> Mapping[UUID, UUID]:
        transactions.append(len(subjects))
        return _lock(subjects, wait)

    def move(guid: UUID, _now: datetime) -> None:
        if guid == guids[2]:
            raise ValueError("a mistake of ours")
        moved.append(guid)

    _hold(monkeypatch, 60.0)
    for guid in guids:
        timers.set_timer(KIND, guid, now)
    monkeypatch.setattr(WATCHED, "lock", lock)
    assert timers.turn(now) == 5
    assert (transactions, moved) == ([5], guids)
    moved.clear()
    for guid in guids:
        timers.set_timer(KIND, guid, now)
    monkeypatch.setattr(WATCHED, "move", move)
    assert timers.turn(now) == 5
    assert transactions == [5, 5, 1, 1, 1, 1, 1]
    assert moved[2:] == [*guids[:2], *guids[3:]]
    assert [timer.subject for timer in Timer.objects.all()] == [guids[2]]


def test_a_transaction_that_took_long_begins_no_more(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    transactions: list[int] = []

    def lock(subjects: Sequence[UUID], _wait: bool) -> Mapping[UUID, UUID]:
        transactions.append(len(subjects))
        return {subject: subject for subject in subjects}

    _hold(monkeypatch, -1.0)
    monkeypatch.setattr(WATCHED, "lock", lock)
    for _ in range(3):
        timers.set_timer(KIND, ids.new_guid(), now)
    assert timers.turn(now) == 3
    assert transactions == [3, 2, 1]
    assert len(moved) == 3


def test_time_is_left_to_others_after_each_transaction(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    """In times as long as it was open; what it waited for its beginning and after its end does not count."""
    ticks = iter(range(1, 100))
    left: list[float] = []
    monkeypatch.setattr(timers, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 100, sleep=left.append))
    _hold(monkeypatch, -1.0)
    now = clock.now()
    for _ in range(2):
        timers.set_timer(KIND, ids.new_guid(), now)
    assert timers.turn(now) == 2
    assert len(moved) == 2
    pause = timers.SERVER.pause if connection.vendor == "postgresql" else timers.EMBEDDED.pause
    open_for = 3 / 100  # the clock is read when it begins, for its bound, after each timer, and at the end
    assert left == [pytest.approx(pause * open_for)] * 2


@pytest.mark.django_db(transaction=True)
def test_workers_are_woken_once_for_all_that_a_turn_moved(
    moved: Moved, work_item: WorkItem, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings: list[str] = []
    monkeypatch.setattr(WATCHED, "move", lambda _guid, _now: wake.ring_on_commit(next(whom)))
    monkeypatch.setattr(wake, "_send", rings.append)
    _hold(monkeypatch, -1.0)  # each in a transaction of its own
    now = clock.now()
    for expected in ([wake.ENGINE], [wake.EVERYBODY, wake.ENGINE]):
        whom = iter(expected)
        for _ in expected:
            timers.set_timer(KIND, ids.new_guid(), now)
        timers.turn(now)
    assert rings == [wake.ENGINE, wake.EVERYBODY]
    wake.ring()
    assert rings[2:] == [wake.ENGINE]


def test_a_record_that_is_gone_takes_its_timer_along(work_item: WorkItem, by: Actor) -> None:
    now = clock.now()
    commands.wait_until(work_item, now + timedelta(hours=1), by=by)
    timers.set_timer("work.wait", ids.new_guid(), now)
    timers.set_timer("work.wait", ids.new_guid(), now)
    assert timers.turn(now) == 2
    assert [timer.subject for timer in Timer.objects.all()] == [work_item.guid]


def test_what_another_worker_claimed_is_left_to_it_until_its_lease_ends(moved: Moved) -> None:
    now = clock.now()
    timers.set_timer(KIND, ids.new_guid(), now)
    moved.failure = SystemExit("killed between its claim and the move")
    with pytest.raises(SystemExit):
        timers.turn(now)
    moved.failure = None
    assert timers.turn(now) == 0
    assert timers.turn(now + timers.LEASE) == 1
    assert len(moved) == 1


def test_timers_that_an_older_release_did_not_set_are_completed(work_item: WorkItem, by: Actor) -> None:
    item, soon = work_item, clock.now() + timedelta(hours=1)
    commands.wait_until(item, soon, by=by)
    Timer.objects.all().delete()
    assert timers.complete() == 1
    assert timers.complete() == 0
    assert _of(item) == [("work.wait", soon)]


def test_the_migration_sets_the_timers_of_what_waits(work_item: WorkItem, by: Actor) -> None:
    item, soon = work_item, clock.now() + timedelta(hours=1)
    commands.wait_until(item, soon, by=by)
    Timer.objects.all().delete()
    migration = importlib.import_module("workwire.jobs.migrations.0002_timers_of_today").Migration
    with connection.cursor() as cursor:
        for operation in migration.operations:
            cursor.execute(operation.sql)
    assert _of(item) == [("work.wait", soon)]


def test_a_feedback_window_sets_a_timer(work_item: WorkItem, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))
    item = work_item
    resolved = commands.resolve(item, by=by)
    assert _of(item) == [("work.feedback_window", resolved.closes_on)]
    commands.reopen(item, by=by)
    assert _of(item) == []
