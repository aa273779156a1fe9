"""Figures over time: what workers counted, what an endpoint took, and many subscriptions at a glance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import (
    attempt_figures,
    commands,
    fanning,
    queries,
    subscription_health,
    subscription_overview,
    worker_slots,
)
from workwire.reactions.webhooks.attempt_figures import Figures, Period, Slot
from workwire.reactions.webhooks.models import Attempt, Delivery, Subscription, WorkerSlot
from workwire.reactions.webhooks.subscription_health import counts
from workwire.reactions.webhooks.workers import Report, beat
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
Open = Callable[..., WorkItem]


def _report(taken: int, quick: int = 0) -> dict[str, Any]:
    report = Report()
    report.attempts["2xx"] = report.ended["delivered"] = taken
    report.latency[0] = quick
    report.latency[3] = taken - quick
    return report.as_json()


@pytest.mark.django_db
def test_what_workers_counted_is_told_by_the_slot_also_over_their_restarts() -> None:
    first, second = ids.new_guid(), ids.new_guid()
    for minutes, worker, taken in ((0, first, 10), (5, first, 30), (16, first, 35), (17, second, 4), (46, second, 4)):
        beat(worker, NOON + timedelta(minutes=minutes), _report(taken, taken // 2))
    told = worker_slots.happened(NOON)
    assert {at: one.attempts["2xx"] for at, one in told.items()} == {NOON: 30, NOON + QUARTER: 9, NOON + 3 * QUARTER: 0}
    assert told[NOON].ended == {"delivered": 30}
    assert (told[NOON].within(50), told[NOON].within(95)) == (0.01, 0.1)
    assert told[NOON + 3 * QUARTER].within(50) is None
    later = worker_slots.happened(NOON + QUARTER)  # what came before is no part of it
    assert {at: one.attempts["2xx"] for at, one in later.items()} == {NOON + QUARTER: 9, NOON + 3 * QUARTER: 0}


@pytest.mark.django_db
def test_slots_are_forgotten_after_a_week_and_a_worker_without_figures_keeps_none() -> None:
    beat(ids.new_guid(), NOON, _report(1))
    beat(ids.new_guid(), NOON + worker_slots.KEPT + QUARTER, _report(1))
    beat(ids.new_guid(), NOON + worker_slots.KEPT + QUARTER)
    assert [one.begins for one in WorkerSlot.objects.all()] == [NOON + worker_slots.KEPT + QUARTER]


def test_an_endpoint_is_told_by_the_hour(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = subscribe(retry_schedule=[3600, 3600, 3600])
    now = clock.now().replace(minute=30)
    with clock.frozen(now - timedelta(hours=3)) as advance:
        open_ticket()
        engine.drain()
        advance(timedelta(hours=2))
        receiver.script("/hook", status=503)
        open_ticket()
        engine.drain()
    with clock.frozen(now):
        told = attempt_figures.figures(made, Period.DAY)
        shown = {number: one.counts for number, one in enumerate(told.slots) if one.counts != (0, 0, 0)}
        counted = {number: (one.succeeded, one.refused) for number, one in shown.items() if one.succeeded + one.refused}
        assert counted == {20: (1, 0), 22: (0, 1)}
        assert len(told.slots) == 24
        slowest = Attempt.objects.get(status=503).duration
        assert (told.slots[22].half, told.slots[22].most, told.slots[21].half) == (slowest, slowest, None)
        assert told.missing_until is None
        week = attempt_figures.figures(made, Period.WEEK)
        assert (len(week.slots), sum(one.counts.refused for one in week.slots)) == (28, 1)
        monkeypatch.setattr(attempt_figures, "MOST_MESSAGES", 1)
        fewer = attempt_figures.figures(made, Period.DAY)
        assert sum(one.counts.succeeded for one in fewer.slots) == 0
        assert fewer.missing_until == Delivery.objects.earliest("pk").created_at


def test_an_endpoint_is_told_from_its_newest_messages_as_they_are_counted_one_by_one(
    subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)  # noqa: S311 # no secret
    one, other = subscribe()[0], subscribe(url="https://other.example/")[0]
    now = clock.now().replace(minute=30)
    for number in range(80):
        made = Delivery(subscription=one if number % 4 else other, test_body="{}")
        made.created_at = now - timedelta(hours=40 - number / 2)
        made.save()
        for tried in range(chance.randint(0, 3)):
            status = chance.choice([200, 204, 302, 503, None])
            begun = now - timedelta(minutes=chance.randint(0, 26 * 60))
            given = {"started_at": begun, "status": status, "duration": chance.random()}
            Attempt.objects.create(delivery=made, number=tried + 1, **given)
    with clock.frozen(now):
        for messages, attempts in ((1_000, 1_000), (20, 1_000), (1_000, 15), (60, 40), (0, 10)):
            monkeypatch.setattr(attempt_figures, "MOST_MESSAGES", messages)
            monkeypatch.setattr(attempt_figures, "MOST_TRIED", attempts)
            for period in Period:
                with CaptureQueriesContext(connection) as asked:
                    told = attempt_figures.figures(one, period)
                assert len(asked) <= 1
                assert told == _one_by_one(one, period, messages, attempts)


def _one_by_one(of: Subscription, period: Period, messages: int, attempts: int) -> Figures:
    """The figures as they are by their description."""
    begins = attempt_figures.slots_of(clock.now(), period.length, period.slot)
    newest = list(Delivery.objects.filter(subscription=of).order_by("-pk"))
    tried = list(
        Attempt.objects.filter(delivery__in=newest[:messages], started_at__gte=begins[0]).order_by("-started_at")
    )[:attempts]
    missing = [newest[messages].created_at] if len(newest) > messages else []
    missing += [tried[-1].started_at] if len(tried) == attempts else []
    slots = []
    for begin in begins:
        inside = [one for one in tried if begin <= one.started_at < begin + period.slot]
        took = sorted(one.duration for one in inside if one.status is not None)
        half, most = (took[math.ceil(len(took) * share) - 1] if took else None for share in (0.5, 0.95))
        slots.append(Slot(begin, counts(one.status for one in inside), half, most))
    since = max(missing, default=begins[0])
    return Figures(tuple(slots), since if since > begins[0] else None)


def test_the_health_of_an_endpoint_is_one_statement_and_reads_as_counted_one_by_one(
    subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(11)  # noqa: S311 # no secret
    one, none = subscribe()[0], subscribe(url="https://other.example/")[0]
    now = clock.now()
    for number in range(40):
        made = Delivery.objects.create(subscription=one, test_body="{}", created_at=now - timedelta(hours=40 - number))
        for tried in range(chance.randint(0, 3)):
            status = chance.choice([200, 204, 302, 503, None])
            begun = now - timedelta(minutes=chance.randint(0, 26 * 60), seconds=number, microseconds=tried)
            given = {"started_at": begun, "status": status, "error": "" if status else "timeout", "duration": 0.1}
            Attempt.objects.create(delivery=made, number=tried + 1, **given)
    with clock.frozen(now):
        for messages in (1_000, 7, 1):
            monkeypatch.setattr(subscription_health, "MOST_DELIVERIES", messages)
            newest = Delivery.objects.filter(subscription=one).order_by("-pk")[:messages]
            all_tried = list(Attempt.objects.filter(delivery__in=list(newest)).order_by("-started_at"))
            with CaptureQueriesContext(connection) as asked:
                told = subscription_health.health(one)
            assert sum("webhooks_attempt" in query["sql"] for query in asked) <= 1
            assert told.counted == len(newest)
            for length, counted in ((timedelta(hours=1), told.last_hour), (timedelta(days=1), told.last_day)):
                assert counted == counts(each.status for each in all_tried if each.started_at > now - length)
            for last, is_taken in ((told.last_success, True), (told.last_failure, False)):
                fitting = [each for each in all_tried if (each.status in (200, 204)) == is_taken]
                assert last == next(((each.started_at, each.status, each.error) for each in fitting), None)
        monkeypatch.setattr(subscription_health, "MOST_ATTEMPTS", 5)
        monkeypatch.setattr(subscription_health, "MOST_DELIVERIES", 1_000)
        assert sum(astuple(subscription_health.health(one).last_day)) <= 5
        nothing = subscription_health.health(none)
        assert (nothing.counted, nothing.last_success, nothing.last_failure) == (0, None, None)


def test_lists_are_sorted_by_what_people_look_for_and_paged(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    paths = ("/b", "/a", "/C")
    waits, fails, well = (subscribe(url=receiver.url(path), retry_schedule=[60, 60, 60])[0] for path in paths)
    receiver.script("/a", status=503)
    commands.pause(waits.guid, by=actors["integrator"])
    with clock.frozen(clock.now() - timedelta(minutes=5)):
        open_ticket()
        engine.drain()
    open_ticket()
    fanning.fan_out(clock.now())
    rows = queries.subscriptions_of(actors["integrator"])

    def names(order: str) -> list[str]:
        return [one.url.rpartition("/")[2] for one in subscription_overview.page(rows, order).rows]

    assert names("newest") == ["C", "a", "b"]
    assert names("name") == ["a", "b", "C"]
    assert names("health") == ["a", "b", "C"]  # failing, paused, healthy
    assert names("lag")[0] == "b"
    assert names("waiting") == ["a", "b", "C"]
    found = {one.pk: one for one in subscription_overview.page(rows, "lag").rows}
    assert {pk: vars(one)["waiting"] for pk, one in found.items()} == {waits.pk: 2, fails.pk: 2, well.pk: 1}
    first = subscription_overview.page(rows, "name", limit=2)
    second = subscription_overview.page(rows, "name", limit=2, cursor=first.next_cursor)
    assert [*first.rows, *second.rows] == [fails, waits, well]
    assert second.next_cursor is None


def test_the_last_day_of_each_is_told_from_what_was_tried(
    subscribe: Subscribe,
    open_ticket: Open,
    engine: Engine,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    well, fails = (subscribe(url=receiver.url(path), retry_schedule=[60, 60, 60])[0] for path in ("/well", "/fails"))
    receiver.script("/fails", status=503)
    now = clock.now().replace(minute=30)
    for hours in (30, 2, 0):
        with clock.frozen(now - timedelta(hours=hours)):
            open_ticket()
            engine.drain()
    with CaptureQueriesContext(connection) as asked:
        told = subscription_overview.last_days([well, fails], now)
    assert len(asked) <= 1
    assert (told[well.pk].taken, told[well.pk].tried) == (2, 2)
    assert (told[fails.pk].taken, told[fails.pk].tried) == (0, 2)
    assert {number: share for number, share in enumerate(told[well.pk].shares) if share is not None} == {21: 1, 23: 1}
    assert set(told[fails.pk].shares) == {None, 0}
