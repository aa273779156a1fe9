"""`workwire webhooks`: subscribing, the catalogue and the live log; a replay started, watched to its end, held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.cli import webhooks
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM
from workwire.outbox.registry import webhooks as registered
from workwire.reactions.webhooks import replays
from workwire.reactions.webhooks.models import Attempt, Replay, Subscription
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


def _invoke(*words: str) -> Result:
    return CliRunner().invoke(webhooks.webhooks, list(words))


def test_an_account_is_subscribed_and_the_secret_shown_once(organisation: Organisation) -> None:
    done = _invoke(
        "subscribe", "PacketCreated", "http://127.0.0.1:9/", "--as", "PAUL", "--header", "X-Team", "payables"
    )
    assert done.exit_code == 0, done.output
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    made = Subscription.objects.get(guid=told["subscription"])
    assert made.owner == organisation.accounts["process builder"].user
    assert made.header_name == "X-Team"
    assert told["secret"].startswith("whsec_")
    assert "not shown again" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("NoSuch", "http://127.0.0.1:9/", "--as", "paul"), "There is no webhook NoSuch"),
        (("PacketCreated", "http://127.0.0.1:9/", "--as", "nobody"), "There is no active account nobody."),
        (("PacketCreated", "http://127.0.0.1:9/", "--as", "tomas"), "role"),
        (("PacketCreated", "http://10.0.0.1/", "--as", "paul"), "private address"),
        (("PacketCreated", "ftp://x/", "--as", "paul"), "begins with http"),
    ],
)
def test_a_subscription_that_may_not_be_is_refused_with_a_sentence(
    words: tuple[str, ...], said: str, organisation: Organisation
) -> None:
    done = _invoke("subscribe", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert not Subscription.objects.exists()


def test_attempts_are_told_with_date_webhook_and_record(delivered: Subscription) -> None:
    attempt = Attempt.objects.latest("pk")
    (line,) = _invoke("tail", "--last", "1", "--once").output.splitlines()
    assert line.startswith(f"{attempt.started_at:%Y-%m-%dT%H:%M:%S}.")
    assert (
        f"Z  PacketCreated  record {attempt.delivery.record_guid}  subscription {delivered.guid}  attempt 1  2" in line
    )


def test_no_past_attempt_is_told_where_none_is_wanted(delivered: Subscription) -> None:
    assert _invoke("tail", "--last", "0", "--once").output == ""


@pytest.mark.parametrize("columns", ["20", "80", "200"])
def test_the_catalogue_cuts_no_name(columns: str) -> None:
    shown = CliRunner(env={"COLUMNS": columns}).invoke(webhooks.webhooks, ["catalogue"]).output
    for hook in registered().values():
        assert hook.name in shown
