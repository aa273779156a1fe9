"""`workwire webhooks` on a replay: started, watched to its end, held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner

from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.cli import webhooks
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import replays
from workwire.reactions.webhooks.models import Replay, Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine


@pytest.fixture
def delivered(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Subscription:
    """A subscription with two delivered messages; while the program waits, a worker works."""
    open_ticket()
    engine.drain()
    subscription, _ = subscribe()
    open_ticket()
    open_ticket()
    engine.drain()
    monkeypatch.setattr(webhooks.time, "sleep", lambda _seconds: engine.drain())
    return subscription


def _run(*words: object) -> str:
    result = CliRunner().invoke(webhooks.webhooks, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_replay_is_watched_to_its_end(delivered: Subscription, receiver: Receiver) -> None:
    today = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%d")
    assert "replay finished: 2 messages queued" in _run("replay", delivered.guid, "--since", today)
    assert "replay finished: 0 messages queued" in _run(
        "replay", delivered.guid, "--since", today, "--state", "withheld"
    )
    assert "backfill finished: 1 messages queued" in _run("backfill", delivered.guid, "--since", today)
    assert len(receiver.requests) == 5


def test_a_replay_is_held_and_goes_on(delivered: Subscription) -> None:
    asked = replays.replay(delivered.guid, by=SYSTEM, since=clock.now() - timedelta(hours=1))
    for wish, state in (("--pause", "paused"), ("--resume", "running"), ("--cancel", "cancelled")):
        assert f"replay {state}: 0%, 0 messages queued" in _run("replays", asked.guid, wish)
    result = CliRunner().invoke(webhooks.webhooks, ["replays", str(asked.guid), "--pause"])
    assert result.exit_code == 1
    assert "not running but cancelled" in result.output


def test_a_subscription_that_is_not_there_is_said_to_be(delivered: Subscription) -> None:
    result = CliRunner().invoke(webhooks.webhooks, ["backfill", str(ids.new_guid()), "--since", "2026-01-01"])
    assert result.exit_code == 1
    assert "There is no such subscription." in result.output
    assert not Replay.objects.exists()
