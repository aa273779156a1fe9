"""On PostgreSQL the database's clock counts, however wrong the host's own is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
from django.db import connection

from tests.conftest import ON_POSTGRES
from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from workwire.access import run_time_settings, sessions
from workwire.access.models import Token, User
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Unauthenticated
from workwire.outbox import database_time
from workwire.reactions.webhooks import repair, workers
from workwire.reactions.webhooks.models import Delivery, Queued, State, Worker
from workwire.worker.delivery.engine import Engine

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database is used on one host and has no clock"),
]
NEAR = timedelta(seconds=5)


@pytest.fixture(params=[7, -7], ids=["ahead", "behind"])
def wrong_host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, db: None) -> timedelta:
    """This process on a host whose clock is minutes off, as it is after its first connection."""
    off = timedelta(minutes=request.param)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + off

    monkeypatch.setattr(clock, "_followed", None)
    monkeypatch.setattr(clock, "datetime", Wrong)
    assert abs(clock.now() - datetime.now(UTC) - off) < NEAR
    database_time.on_connection(connection)
    return off


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def test_a_host_goes_by_the_database_after_its_first_connection(wrong_host: timedelta) -> None:
    assert abs(clock.now() - _database_now()) < NEAR


def test_what_a_host_with_a_wrong_clock_resends_is_due_at_once_for_the_others(
    wrong_host: timedelta,
    engine: Engine,
    receiver: Receiver,
    subscribe: Callable[..., Any],
    open_ticket: Callable[..., Any],
    actors: dict[str, Actor],
) -> None:
    subscribe()
    open_ticket()
    engine.drain()
    delivery = Delivery.objects.get(state=State.DELIVERED)
    repair.resend(delivery.guid, by=actors["integrator"])
    assert abs(Queued.objects.get().due_at - _database_now()) < NEAR
    engine.drain()
    assert len(receiver.requests) == 2


def test_workers_of_wrong_hosts_are_seen_alive(wrong_host: timedelta, engine: Engine) -> None:
    engine.step()
    assert workers.alive(_database_now()) == 1


def test_tokens_run_out_by_the_database(wrong_host: timedelta, organisation: Organisation) -> None:
    user: User = organisation.accounts["team member"].user
    idle = run_time_settings.token_idle()
    token = organisation.accounts["team member"].log_in()
    assert sessions.authenticate(token).user_id == user.pk
    Token.objects.update(last_used_at=_database_now() - idle - NEAR)
    with pytest.raises(Unauthenticated):
        sessions.authenticate(token)


def test_a_new_server_whose_clock_is_behind_does_not_silence_a_worker(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_followed", None)
    engine.step()
    Worker.objects.all().delete()
    clock.follow(clock.now() - timedelta(hours=1), clock.count())  # another server took over
    engine.step()
    assert workers.alive(_database_now()) == 1
