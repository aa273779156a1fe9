"""`latency`, `steady`, `isolation`: how long a message takes from commit to arrival – in an idle installation, under a
steady load, and beside endpoints that are sick. Every signature is verified and every event accounted for."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import filling
import rig
from figures import Figure, Given, check, percentile, say
from offering import travel
from receiver import HANGING, SLOW, WELL, Receiver, dead_port, receiver

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription
    from workwire.rooms.work.models import WorkItem

PAUSE = 0.03  # seconds between two tickets of an idle installation
WARM_UP = 20
HEALTHY, SICK = 97, 3


def idle(given: Given) -> list[Figure]:
    """Tickets created one by one by an ordinary command, with pauses; baseline is the time one command takes."""
    durations: list[float] = []
    count = given.size(500, 100)
    with receiver() as to, rig.installation(given.database):
        from workwire.rooms.work import commands as work

        office = filling.office(1)
        trust(to, filling.subscribe(office, to.urls))
        with rig.quiet_worker():
            committed: dict[str, float] = {}
            for number in range(count + WARM_UP):
                begun = time.perf_counter()
                ticket = work.create_ticket(office.customer.ticket_version.guid, by=office.member, title=str(number))
                committed[str(ticket.guid)] = time.perf_counter()
                durations.append(committed[str(ticket.guid)] - begun)
                time.sleep(PAUSE)
            to.wait_for(count + WARM_UP)
        arrived, event_of = to.arrivals(), {str(event.record_guid): str(event.guid) for event in _creations()}
        from_commit = [arrived[event_of[ticket]] - at for ticket, at in committed.items()][WARM_UP:]
    name = f"latency.{given.database}"
    return [
        Figure(f"{name}.p50", statistics.median(from_commit) * 1e3, "ms"),
        Figure(f"{name}.p99", percentile(from_commit, 0.99) * 1e3, "ms"),
        Figure(f"{name}.command", statistics.median(durations[WARM_UP:]) * 1e3, "ms"),
    ]


def steady(given: Given) -> list[Figure]:
    """A thousand events a second for minutes."""
    rate, seconds = 1_000, given.size(300, 10)
    with receiver([WELL] * 4) as to, rig.installation(given.database):
        office = filling.office(100)
        trust(to, filling.subscribe_to_tickets(office, office.tickets, to.urls))
        with rig.quiet_worker() as pid:
            journey = travel(to, office.tickets, rate, seconds)
            memory = rig.memory(pid)
    name = f"steady.{given.database}"
    return [
        Figure(f"{name}.p50", statistics.median(journey.waits) * 1e3, "ms"),
        Figure(f"{name}.p95", percentile(journey.waits, 0.95) * 1e3, "ms"),
        Figure(f"{name}.offered", journey.offered, "events/s"),
        Figure(f"{name}.verified", 100 * len(journey.waits) / (rate * seconds), "%"),
        Figure(f"{name}.memory", memory, "MiB"),
    ]


def isolation(given: Given) -> list[Figure]:
    """97 healthy endpoints alone, then beside one that hangs, one that is dead and one that reads slowly."""
    each, seconds = 3.0, given.size(60, 8)
    with (
        receiver([WELL] * HEALTHY + [HANGING, SLOW]) as to,
        dead_port() as dead,
        rig.installation(given.database),
    ):
        office = filling.office(HEALTHY + SICK)
        healthy, sick = office.tickets[:HEALTHY], office.tickets[HEALTHY:]
        trust(to, filling.subscribe_to_tickets(office, healthy, to.urls))
        with rig.quiet_worker():
            alone = percentile(travel(to, healthy, each * HEALTHY, seconds).waits, 0.99)
            say(f"  97 healthy ones alone: p99 {alone * 1e3:.1f} ms")
            urls = [*to.urls[HEALTHY:], f"http://127.0.0.1:{dead}/hook"]
            trust(to, filling.subscribe_to_tickets(office, sick, urls))
            journey = travel(to, office.tickets, each * (HEALTHY + SICK), seconds, lost=sick)
            beside = percentile(journey.waits, 0.99)
            _check_sick(sick)
    name = f"isolation.{given.database}"
    return [Figure(f"{name}.alone", alone * 1e3, "ms"), Figure(f"{name}.beside", beside * 1e3, "ms")]


def trust(to: Receiver, made: list[tuple[Subscription, str]]) -> None:
    """Let a receiver verify the messages of subscriptions."""
    to.trust({str(subscription.guid): secret for subscription, secret in made})


def _creations() -> Iterable[Any]:
    """The events of tickets that came into existence."""
    from workwire.outbox.models import Event

    return Event.objects.filter(name="WorkItemCreated")


def _check_sick(sick: Sequence[WorkItem]) -> None:
    """Sick endpoints must have been tried, or the healthy ones were not disturbed at all."""
    from workwire.reactions.webhooks.models import Attempt, Queued

    guids = [ticket.guid for ticket in sick]
    tried = Attempt.objects.filter(delivery__record_guid__in=guids).count()
    held = Queued.objects.filter(record_guid__in=guids).count()
    check(tried > 0 and held > 0, f"the sick endpoints were tried {tried} times and hold {held} messages")
