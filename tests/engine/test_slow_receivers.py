"""A receiver that turns slow: what was claimed ahead is checked again before it goes out, however long it waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from tests.support.organisation import Organisation
from tests.support.receiver import Receiver
from tests.support.waiting import happens, linger
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import commands, rights
from workwire.reactions.webhooks.models import Delivery, Queued, State, Subscription
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

MESSAGES, AT_ONCE, STALL = 60, 16, 5.0
SLACK = 1.0  # seconds: a loaded machine
Change = Callable[[Organisation, dict[str, Actor], Subscription], None]
pytestmark = pytest.mark.django_db(transaction=True)


def _lose_sight(organisation: Organisation, actors: dict[str, Actor], subscription: Subscription) -> None:
    user = organisation.accounts["integrator"].user
    access.change_members(organisation.customers[0].group, remove=[user], by=actors["administrator"])


def _unsubscribe(organisation: Organisation, actors: dict[str, Actor], subscription: Subscription) -> None:
    commands.unsubscribe(subscription.guid, by=actors["integrator"])


def _pause(organisation: Organisation, actors: dict[str, Actor], subscription: Subscription) -> None:
    commands.pause(subscription.guid, by=actors["integrator"])


@pytest.fixture
def working() -> Iterator[Callable[[], Engine]]:
    """Starts an engine that works beside the test, until the end."""
    begun: list[tuple[Engine, threading.Thread]] = []

    def begin() -> Engine:
        def run() -> None:
            try:
                engine.run()
            finally:
                connection.close()

        engine = Engine()
        thread = threading.Thread(target=run)
        thread.start()
        begun.append((engine, thread))
        return engine

    yield begin
    for engine, thread in begun:
        engine.stop()
        thread.join(40)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        (_lose_sight, State.WITHHELD, rights.FILTER_INVISIBLE),
        (_unsubscribe, State.CANCELLED, "unsubscribed"),
        (_pause, State.DUE, ""),
    ],
)
def test_what_was_claimed_ahead_is_checked_again(
    change: Change,
    state: State,
    reason: str,
    organisation: Organisation,
    actors: dict[str, Actor],
    subscribe: Subscribe,
    open_ticket: Callable[..., WorkItem],
    working: Callable[[], Engine],
    receiver: Receiver,
) -> None:
    subscription, _ = subscribe()
    for _ in range(40):  # quick answers, so that much is claimed ahead
        open_ticket()
    working()
    receiver.wait_for(40, timeout=30)
    receiver.script("/hook", stall=STALL)
    for _ in range(MESSAGES):
        open_ticket()
    receiver.wait_for(41, timeout=30)
    claimed = _until(lambda: Queued.objects.filter(claimed_by__isnull=False).count() > AT_ONCE + 8)
    assert claimed, "more is claimed than is sent at once"
    change(organisation, actors, subscription)
    changed_at = time.monotonic()
    assert _until(lambda: not _unended(), patience=30) or state == State.DUE
    linger(STALL + SLACK)  # every message that was sent before has been answered by then
    late = [one.at - changed_at for one in receiver.requests if one.at > changed_at + rights.CHECK_HOLDS + SLACK]
    assert late == []
    ended = Delivery.objects.filter(state=state, end_reason=reason).count()
    assert ended > AT_ONCE


def _unended() -> bool:
    return Queued.objects.exists()


def _until(condition: Callable[[], bool], patience: float = 10.0) -> bool:
    return happens(condition, patience)
