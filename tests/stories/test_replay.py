"""A real event log, two subscribers, one of whom may see half of it, and a worker that is killed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.organisation import Organisation, build
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from workwire.access import commands as access
from workwire.access import sessions
from workwire.cli.replay.player import play_all, player_for
from workwire.cli.replay.xes import Trace, XesEvent, read_traces
from workwire.outbox.models import Event, Pending
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands
from workwire.reactions.webhooks.models import Delivery, Queued, State, Subscription
from workwire.reactions.webhooks.rights import FILTER_INVISIBLE
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import ResolutionMethod, Status, WorkItem

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).parents[2]
LOG = ROOT.parent / "shared" / "data" / "DomesticDeclarations.xes.gz"
TRACES = int(os.environ.get("WORKWIRE_TEST_TRACES", "300"))  # 2000 is the full replay, too long for every run


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The endpoint of both subscribers."""
    with Receiver() as running:
        yield running


def _worker(child_environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "workwire", "worker"],
        env=child_environment | {"WORKWIRE_WEBHOOK_LEASE_SECONDS": "5", "WORKWIRE_WEBHOOK_TIMEOUT": "2"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.skipif(not LOG.exists(), reason="the event log lies in ../shared, which is absent")
def test_every_event_of_a_replayed_log_is_delivered_or_withheld(
    receiver: Receiver, child_environment: dict[str, str]
) -> None:
    organisation = build()
    traces = list(read_traces(LOG, limit=TRACES))
    activities = {event.activity for trace in traces for event in trace.events}
    subscriptions = _subscribe(organisation, receiver)
    _take_half_away(organisation)
    process = _worker(child_environment)
    kills = 0
    try:
        for number, _ in play_all(player_for("pixel", "Declarations", activities), traces):
            if number in (100, 200) and kills < number // 100:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                process = _worker(child_environment)
        _wait_until_quiet()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert kills == 2
    _all_was_played(traces)
    _account_for_everything(subscriptions, receiver)


def _all_was_played(traces: list[Trace]) -> None:
    """Every trace is a case that ended, with one resolved action for each of its events, in their order."""
    played = {case.custom_data["Trace"]: case for case in WorkItem.objects.filter(kind=ProcessType.CASE)}
    assert len(played) == len(traces)
    for trace in traces:
        case = played[trace.name]
        actions = case.children.order_by("pk").values_list("work_type__name", "resolution_method")
        assert [(name, method) for name, method in actions] == [
            (event.activity, ResolutionMethod.DONE_SUCCESSFULLY) for event in trace.events
        ]
        assert case.resolution_method == ResolutionMethod.CASE_COMPLETED


def _subscribe(organisation: Organisation, receiver: Receiver) -> dict[str, list[Subscription]]:
    """Both subscribe to what is created and updated at both customers, while both may."""
    first, second = organisation.customers
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    narrow = organisation.accounts["process builder of one company"].user
    access.change_members(first.group, add=[narrow], by=admin)
    made: dict[str, list[Subscription]] = {}
    for who in ("process builder", "process builder of one company"):
        actor = sessions.actor_for(organisation.accounts[who].user)
        made[who] = [
            commands.subscribe(
                commands.Terms(
                    webhook=webhook,
                    url=receiver.url(f"/{who.replace(' ', '-')}"),
                    filter_type=ObjectType.COMPANY,
                    filter_guid=customer.company.guid,
                ),
                by=actor,
            )[0]
            for customer in (first, second)
            for webhook in (0, 1)
        ]
    return made


def _take_half_away(organisation: Organisation) -> None:
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    narrow = organisation.accounts["process builder of one company"].user
    access.change_members(organisation.customers[0].group, remove=[narrow], by=admin)


def _wait_until_quiet(patience: float = 60.0) -> None:
    """Wait until nothing is queued, as long as it becomes less: a minute without that is a worker that hangs."""

    def queued() -> int:
        return Pending.objects.count() + Queued.objects.count()

    while left := queued():
        eventually(lambda left=left: queued() < left, patience, every=0.2, what=f"{left} deliveries were still queued")


def _account_for_everything(subscriptions: dict[str, list[Subscription]], receiver: Receiver) -> None:
    names = {0: "WorkItemCreated", 1: "WorkItemUpdated"}
    arrived: Counter[tuple[str, str]] = Counter()
    for request in receiver.requests:
        arrived[dict(request.headers)["Webhook-Subscription"], request.json()["EventID"]] += 1
    delivered = withheld = 0
    for who, owned in subscriptions.items():
        for subscription in owned:
            events = Event.objects.filter(name=names[subscription.webhook], company_guid=subscription.filter_guid)
            wanted = {str(guid) for guid in events.values_list("guid", flat=True)}
            here = {event for guid, event in arrived if guid == str(subscription.guid)}
            states = Counter(subscription.deliveries.values_list("state", flat=True))
            assert sum(states.values()) == len(wanted) > 0
            may_see = who == "process builder" or subscription in owned[2:]
            assert here == (wanted if may_see else set())
            assert set(states) == {State.DELIVERED if may_see else State.WITHHELD}
            delivered, withheld = delivered + states[State.DELIVERED], withheld + states[State.WITHHELD]
    assert not Delivery.objects.filter(state=State.WITHHELD).exclude(end_reason=FILTER_INVISIBLE).exists()
    duplicates = sum(count - 1 for count in arrived.values())
    events_in_all = Event.objects.filter(name__in=names.values()).count()
    print(
        f"\n{events_in_all} events of {TRACES} traces: {delivered} delivered, {withheld} withheld, "
        f"{duplicates} duplicates, 0 lost"
    )


@pytest.mark.django_db
def test_names_that_no_record_may_have_are_played_all_the_same(organisation: Organisation) -> None:
    """Stray control characters, what turns the direction, spellings that are one name, and names of nothing."""
    names = ["Pay", "pay ", "P\u0085ay", "PAY\u202e", "\u0085", "", "e\u0301t\u00e9", "\u00e9te\u0301", "x" * 300]
    traces = [
        Trace(f"one\u0085 {number}", {}, [XesEvent(name, None, "who\u009f") for name in names]) for number in (1, 2)
    ]
    player = player_for(None, "a\u0085 log", names)
    assert len(list(play_all(player, traces))) == 2 * len(names)
    assert not WorkItem.objects.exclude(status=Status.CLOSED).exists()
    again = player_for(None, "A  log", [*names, "Refund"])
    assert len(list(play_all(again, [Trace("x", {}, [XesEvent("REFUND", None, ""), XesEvent("PAY", None, "")])]))) == 2
