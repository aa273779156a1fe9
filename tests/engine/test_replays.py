"""Ranges sent again: bit by bit, to be paused, under today's rights, each message once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.access import features
from workwire.jobs import commands as jobs
from workwire.jobs import running
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.outbox import ledger, wake
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, fanning, queue, replays
from workwire.reactions.webhooks.models import Delivery, Lane, Queued, Replay, ReplayState, State, Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]
COUNT = 20


@pytest.fixture
def delivered(subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver) -> Subscription:
    """A subscription that got twenty messages, which the receiver has forgotten since."""
    subscription, _ = subscribe()
    for _ in range(COUNT):
        open_ticket()
    engine.drain()
    assert len(receiver.requests) == COUNT
    receiver.requests.clear()
    return subscription


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "BATCH", 3)
    monkeypatch.setattr(replays, "AHEAD", 6)
    monkeypatch.setattr(replays, "WINDOW", 5)


def _turn_until_it_waits() -> None:
    while running.turn(replays.LANE) == 0.0:
        pass


def _start(of: Subscription, by: Actor, **more: object) -> Replay:
    return replays.replay(of.guid, by=by, since=clock.now() - timedelta(hours=1), **more)  # type: ignore[arg-type] # filters


@pytest.mark.usefixtures("_small_steps")
def test_a_replay_stays_a_little_ahead_and_can_be_paused(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine, receiver: Receiver
) -> None:
    builder = actors["integrator"]
    asked = _start(delivered, builder)
    _turn_until_it_waits()
    assert Queued.objects.filter(lane=Lane.BULK).count() == 6
    assert replays.find(asked.guid, by=builder).queued == 6
    assert 0 < replays.progress(replays.find(asked.guid, by=builder)) < 1
    replays.pause(asked.guid, by=builder)
    engine.drain()
    assert len(receiver.requests) == 6
    replays.resume(asked.guid, by=builder)
    engine.drain()
    ended = replays.find(asked.guid, by=builder)
    assert (ended.state, ended.queued, replays.progress(ended)) == (ReplayState.FINISHED, COUNT, 1.0)
    assert ended.finished_at is not None
    assert (
        len({dict(request.headers)["Webhook-Id"] for request in receiver.requests}) == len(receiver.requests) == COUNT
    )
    assert {dict(request.headers)["Webhook-Replay"] for request in receiver.requests} == {"true"}
    names = Event.objects.filter(record_guid=delivered.guid, name__startswith="Replay").order_by("id")
    assert list(names.values_list("name", flat=True)) == [
        "ReplayStarted",
        "ReplayPaused",
        "ReplayResumed",
        "ReplayFinished",
    ]


@pytest.mark.usefixtures("_small_steps")
def test_a_fresh_message_goes_before_a_replay(
    delivered: Subscription, actors: dict[str, Actor], open_ticket: Open
) -> None:
    _start(delivered, actors["integrator"])
    _turn_until_it_waits()
    open_ticket()
    fanning.fan_out(clock.now())
    found = queue.rings(dict.fromkeys(queue.LANES, 0))
    assert [lane for lane, stops in found.items() if stops] == [Lane.FRESH, Lane.BULK]


@pytest.mark.usefixtures("_small_steps")
def test_what_was_asked_for_is_what_is_sent(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine, receiver: Receiver
) -> None:
    builder = actors["integrator"]
    ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=ids[:4]).update(state=State.WITHHELD, end_reason="record_not_visible")
    Delivery.objects.filter(pk__in=ids[4:5]).update(state=State.GAVE_UP, end_reason="tried_enough")
    Delivery.objects.filter(pk__in=ids[:2]).update(created_at=clock.now() - timedelta(minutes=30))
    first = Delivery.objects.get(pk=ids[0])
    half_an_hour = clock.now() - timedelta(minutes=10)
    for wish, count in (
        ({"states": [State.GAVE_UP]}, 1),
        ({"states": [State.WITHHELD], "until": half_an_hour}, 2),
        ({"record_guid": first.record_guid}, 1),
    ):
        asked = _start(delivered, builder, **wish)
        engine.drain()
        assert replays.find(asked.guid, by=builder).queued == count
    assert len(receiver.requests) == 4
    with pytest.raises(Invalid):
        _start(delivered, builder, states=[State.DUE])
    with pytest.raises(Invalid):
        _start(delivered, builder, states=[])


@pytest.mark.usefixtures("_small_steps")
def test_a_right_taken_away_meanwhile_is_honoured_by_the_rest(
    delivered: Subscription, actors: dict[str, Actor], organisation: Organisation, engine: Engine, receiver: Receiver
) -> None:
    asked = _start(delivered, actors["integrator"])
    _turn_until_it_waits()
    replays.pause(asked.guid, by=actors["integrator"])
    engine.drain()
    sent = len(receiver.requests)
    replays.resume(asked.guid, by=actors["integrator"])
    user, group = organisation.accounts["integrator"].user, organisation.customers[0].group
    access.change_members(group, remove=[user], by=actors["administrator"])
    engine.drain()
    assert len(receiver.requests) == sent < COUNT
    assert Delivery.objects.filter(state=State.WITHHELD).count() == COUNT - sent


@pytest.mark.usefixtures("_small_steps")
def test_cancelling_and_unsubscribing_end_it(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine, receiver: Receiver
) -> None:
    builder = actors["integrator"]
    cancelled, overtaken = _start(delivered, builder), _start(delivered, builder)
    replays.pause(overtaken.guid, by=builder)
    _turn_until_it_waits()
    assert replays.cancel(cancelled.guid, by=builder).state == ReplayState.CANCELLED
    for ended in (replays.cancel, replays.pause, replays.resume):
        with pytest.raises(Conflict):
            ended(cancelled.guid, by=builder)
    engine.drain()
    assert len(receiver.requests) == 6
    replays.resume(overtaken.guid, by=builder)
    commands.unsubscribe(delivered.guid, by=builder)
    engine.drain()
    assert len(receiver.requests) == 6
    assert Replay.objects.get(pk=overtaken.pk).state == ReplayState.CANCELLED


def test_a_replay_of_a_paused_subscription_waits_with_it_and_is_not_looked_at_again_and_again(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine, receiver: Receiver
) -> None:
    builder = actors["integrator"]
    commands.pause(delivered.guid, by=builder)
    asked = _start(delivered, builder)
    _turn_until_it_waits()
    assert running.turn(replays.LANE) == running.POLL
    assert Job.objects.get(subject=asked.guid).ready_at > clock.now() + timedelta(minutes=9)
    assert not Queued.objects.exists()
    commands.resume(delivered.guid, by=builder)
    engine.drain()
    assert len(receiver.requests) == COUNT
    commands.pause(delivered.guid, by=builder)
    asked = _start(delivered, builder)
    commands.unsubscribe(delivered.guid, by=builder)
    _turn_until_it_waits()
    assert Replay.objects.get(pk=asked.pk).state == ReplayState.CANCELLED


def test_there_is_a_bound_on_replays_that_have_not_ended(delivered: Subscription, actors: dict[str, Actor]) -> None:
    for _ in range(replays.MOST_UNFINISHED):
        _start(delivered, actors["integrator"])
    with pytest.raises(Conflict):
        _start(delivered, actors["integrator"])


@pytest.mark.usefixtures("_small_steps")
def test_a_crash_in_a_turn_loses_and_repeats_nothing(
    delivered: Subscription,
    actors: dict[str, Actor],
    engine: Engine,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _start(delivered, actors["integrator"])

    def crash() -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(wake, "ring_on_commit", crash)
        assert running.turn(replays.LANE) == 0.0
    assert not Queued.objects.exists()
    assert Replay.objects.get(pk=asked.pk).position == asked.first
    with clock.frozen(clock.now()) as advance:
        advance(timedelta(seconds=5))
        engine.drain()
    assert Counter(dict(request.headers)["Webhook-Id"] for request in receiver.requests).most_common(1)[0][1] == 1
    assert len(receiver.requests) == COUNT


@pytest.mark.usefixtures("_small_steps")
def test_a_backfill_walks_the_ledger_in_windows_and_skips_what_was_prepared(
    subscribe: Subscribe, open_ticket: Open, engine: Engine, receiver: Receiver, actors: dict[str, Actor]
) -> None:
    start, builder = clock.now() - timedelta(minutes=1), actors["integrator"]
    for _ in range(8):
        open_ticket()
    position = ledger.position()
    for _ in range(4):
        open_ticket()
    engine.drain()
    subscription, _ = subscribe()
    open_ticket()
    engine.drain()
    assert len(receiver.requests) == 1
    for wish, queued in (({"after": position}, 4), ({"since": start}, 8), ({"since": start}, 0)):
        asked = replays.backfill(subscription.guid, by=builder, **wish)
        engine.drain()
        ended = replays.find(asked.guid, by=builder)
        assert (ended.state, ended.queued) == (ReplayState.FINISHED, queued)
    assert len({request.json()["GUID"] for request in receiver.requests}) == len(receiver.requests) == 13
    for neither_or_both in ({}, {"since": start, "after": 0}):
        with pytest.raises(Invalid):
            replays.backfill(subscription.guid, by=builder, **neither_or_both)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_small_steps")
def test_many_workers_queue_each_message_once(
    delivered: Subscription, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "AHEAD", 1_000)
    asked = _start(delivered, actors["integrator"])

    def work() -> None:
        while Replay.objects.get(pk=asked.pk).state == ReplayState.RUNNING:
            running.turn(replays.LANE)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Replay.objects.get(pk=asked.pk).queued == Queued.objects.count() == COUNT
    assert Event.objects.filter(name="ReplayFinished").count() == 1


@pytest.mark.usefixtures("_small_steps")
def test_the_job_of_a_replay_tells_its_progress_and_cancels_it(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine
) -> None:
    builder = actors["integrator"]
    asked, other = _start(delivered, builder), _start(delivered, builder)
    _turn_until_it_waits()
    job = Job.objects.get(subject=asked.guid)
    assert (job.kind, job.state, job.asked_by_id) == ("webhooks.replay", JobState.RUNNING, builder.user_id)
    assert job.total is not None
    assert 0 < job.done < job.total
    access.cancel_job(job.guid, by=builder)
    _turn_until_it_waits()
    job.refresh_from_db()
    assert (job.state, Replay.objects.get(pk=asked.pk).state) == (JobState.CANCELLED, ReplayState.CANCELLED)
    engine.drain()
    ended = Job.objects.get(subject=other.guid)
    assert (ended.state, ended.done, ended.result) == (
        JobState.DONE,
        ended.total,
        {"queued": Replay.objects.get(pk=other.pk).queued},
    )


def test_without_the_right_to_a_subscription_nobody_cancels_its_replays_by_their_jobs(
    delivered: Subscription, actors: dict[str, Actor]
) -> None:
    builder = actors["integrator"]
    asked = _start(delivered, builder)
    job = Job.objects.get(subject=asked.guid)
    without = replace(builder, features=builder.features - {features.WEBHOOKS}, credential_id=1)
    with pytest.raises(Forbidden):
        access.cancel_job(job.guid, by=without)
    Subscription.objects.filter(pk=delivered.pk).update(owner=actors["administrator"].user_id)
    with pytest.raises(NotFound):
        access.cancel_job(job.guid, by=builder)
    assert Job.objects.get(pk=job.pk).cancel_asked_at is None
    access.cancel_job(job.guid, by=actors["administrator"])
    assert Job.objects.get(pk=job.pk).cancel_asked_at is not None


def test_a_replay_that_fails_time_and_again_is_paused_and_can_be_resumed(
    delivered: Subscription,
    actors: dict[str, Actor],
    engine: Engine,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    builder = actors["integrator"]
    asked = _start(delivered, builder)
    with monkeypatch.context() as broken, clock.frozen(clock.now()) as advance:
        broken.setattr(replays, "_put_back", lambda *_: 1 / 0)
        for _ in range(len(replays.KIND.pauses) + 1):
            _turn_until_it_waits()
            advance(timedelta(hours=1))
    assert Job.objects.get(subject=asked.guid).state == JobState.FAILED
    assert Replay.objects.get(pk=asked.pk).state == ReplayState.PAUSED
    assert replays.resume(asked.guid, by=builder).state == ReplayState.RUNNING
    engine.drain()
    assert Replay.objects.get(pk=asked.pk).state == ReplayState.FINISHED
    assert len(receiver.requests) == COUNT


def test_a_replay_of_an_older_release_goes_on_with_a_job(
    delivered: Subscription, actors: dict[str, Actor], engine: Engine, receiver: Receiver
) -> None:
    """It was asked for, and half of it done, before there were jobs."""
    builder = actors["integrator"]
    running_one, paused = _start(delivered, builder), _start(delivered, builder)
    half = Delivery.objects.order_by("pk")[COUNT // 2 - 1].pk
    Replay.objects.filter(pk=running_one.pk).update(position=half, queued=COUNT // 2)
    replays.pause(paused.guid, by=builder)
    Job.objects.all().delete()
    assert jobs.complete(replays.LANE) == 2
    engine.drain()
    ended = Replay.objects.get(pk=running_one.pk)
    assert (ended.state, ended.queued) == (ReplayState.FINISHED, COUNT)
    assert len(receiver.requests) == COUNT // 2
    replays.resume(paused.guid, by=builder)
    engine.drain()
    assert len(receiver.requests) == COUNT // 2 + COUNT
