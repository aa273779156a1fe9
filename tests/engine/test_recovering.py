"""Who took something is not called failing, whatever another attempt said before and whoever made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from tests.support.world import Subscribe
from workwire.kernel import clock
from workwire.outbox.models import Event
from workwire.reactions.webhooks import fanning, preparing, queue, settling, workers
from workwire.reactions.webhooks.models import Lane, State, Subscription
from workwire.reactions.webhooks.preparing import Prepared
from workwire.reactions.webhooks.recovering import Successes
from workwire.reactions.webhooks.settling import Outcome
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

Open = Callable[..., WorkItem]


@pytest.fixture
def prepared(subscribe: Subscribe, open_ticket: Open, engine: Engine) -> list[Prepared]:
    """Two claimed deliveries of one subscription, prepared while it was well."""
    subscription, _ = subscribe()
    for _ in range(2):
        open_ticket()
    now = clock.now()
    fanning.fan_out(now)
    claimed = queue.claim(engine.guid, now, Lane.FRESH, [(subscription.pk, 10)], until=now + timedelta(minutes=1))
    return preparing.prepare(claimed, {subscription.pk}, now)


def _outcome(of: Prepared, status: int | None, error: str = "") -> Outcome:
    return Outcome(of, clock.now(), 0.1, status, error=error)


def _failing_since() -> datetime | None:
    return Subscription.objects.get().failing_since


@contextmanager
def _a_beat_later(engine: Engine) -> Iterator[CaptureQueriesContext]:
    with clock.frozen(clock.now() + workers.BEAT_EVERY), CaptureQueriesContext(connection) as asked:
        engine.housekeeping()
        yield asked


def test_a_success_prepared_before_a_failure_of_ours_ends_the_failing(engine: Engine, prepared: list[Prepared]) -> None:
    engine.answers.settle_batch([_outcome(prepared[0], 500)], clock.now())
    assert _failing_since() is not None
    engine.answers.settle_batch([_outcome(prepared[1], 204)], clock.now())
    with _a_beat_later(engine):
        assert _failing_since() is None
    assert Event.objects.filter(name="EndpointRecovered").count() == 1


def test_a_success_ends_the_failing_that_another_worker_recorded(engine: Engine, prepared: list[Prepared]) -> None:
    settling.settle(engine.guid, [_outcome(prepared[0], 500)], clock.now())  # as another one does
    engine.answers.settle_batch([_outcome(prepared[1], 204)], clock.now())
    with _a_beat_later(engine):
        assert _failing_since() is None


def test_what_failed_after_its_success_goes_on_failing(engine: Engine, prepared: list[Prepared]) -> None:
    before = clock.now()
    engine.answers.settle_batch([_outcome(prepared[1], 204)], before)
    settling.settle(engine.guid, [_outcome(prepared[0], 500)], before + timedelta(seconds=1))
    with _a_beat_later(engine):
        assert _failing_since() is not None


def test_a_failure_of_ours_takes_the_success_before_it_back(engine: Engine, prepared: list[Prepared]) -> None:
    now = clock.now()
    engine.answers.settle_batch([_outcome(prepared[1], 204)], now)
    engine.answers.settle_batch([_outcome(prepared[0], None, "timeout")], now)
    with _a_beat_later(engine):
        assert _failing_since() is not None


def test_the_healthy_pay_one_query_a_beat_and_none_a_batch(engine: Engine, prepared: list[Prepared]) -> None:
    with CaptureQueriesContext(connection) as asked:
        engine.answers.settle_batch([_outcome(one, 204) for one in prepared], clock.now())
    assert not [query for query in asked if "webhooks_subscription" in query["sql"]]
    with _a_beat_later(engine) as asked:
        assert len([query for query in asked if "failing_since" in query["sql"]]) == 1
    assert {delivery.state for delivery in Subscription.objects.get().deliveries.all()} == {State.DELIVERED}


def test_a_look_that_the_database_did_not_answer_is_made_again(
    prepared: list[Prepared], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling.settle(engine.guid, [_outcome(prepared[0], 500)], clock.now())
    successes = Successes()
    successes.note([_outcome(prepared[1], 204)], clock.now())

    def away(*_statement: object) -> list[tuple[object, ...]]:
        raise DatabaseError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("workwire.reactions.webhooks.sql.rows", away)
        with pytest.raises(DatabaseError):
            successes.recover()
    assert successes.recover() == 1
    assert successes.recover() == 0
