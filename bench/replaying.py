"""`replays`: a backfill of 100,000 events, paused on its way, and what a fresh message waits meanwhile."""

from __future__ import annotations

import time
from typing import Any

import engine
import filling
import rig
from figures import Figure, Given, check, percentile, say
from sink import Sink, sink

FRESH = 40  # messages sent while the backfill runs
PATIENCE = 120.0  # seconds


def measure(given: Given) -> list[Figure]:
    """Fill the ledger, subscribe, ask for all of it, pause, resume; everything must arrive, and no more."""
    count = given.size(100_000, 10_000)
    with sink(2) as target, rig.installation(given.database):
        from workwire.reactions.webhooks import replays

        office = filling.office()
        position = filling.add_events(count, pending=False)
        ((subscription, _),) = filling.subscribe(office, target.urls[:1])
        rig.vacuum()
        with rig.quiet_worker():
            begun = time.perf_counter()
            asked = replays.backfill(subscription.guid, by=office.builder, after=position)
            paused = _pause(asked, office, target, count // 4)
            went_on = time.perf_counter()
            replays.resume(asked.guid, by=office.builder)
            waits = _fresh(office, target)
            target.wait_for(count + FRESH, look_every=0.05)
            took = time.perf_counter() - begun - (went_on - paused)
            engine.wait_for_settling()
            ended = replays.find(asked.guid, by=office.builder)
            check((ended.state, ended.queued) == ("finished", count), f"{ended.state} after {ended.queued} of {count}")
            check(target.arrived() == count + FRESH, f"{target.arrived()} messages arrived for {count + FRESH}")
    name = f"replays.{given.database}"
    return [
        Figure(f"{name}.rate", count / took, "messages/s", at=count),
        Figure(f"{name}.fresh", percentile(waits, 0.95) * 1e3, "ms"),
    ]


def _pause(asked: Any, office: filling.Office, target: Sink, after: int) -> float:
    """Pause when so many have arrived; what was queued by then is sent and nothing more. Returns when it was paused."""
    from workwire.reactions.webhooks import replays

    target.wait_for(after)
    replays.pause(asked.guid, by=office.builder)
    moment = time.perf_counter()
    engine.wait_for_settling()
    held = replays.find(asked.guid, by=office.builder)
    check(held.state == "paused", f"the replay is {held.state}")
    check(target.arrived() == held.queued, f"{target.arrived()} messages arrived, {held.queued} were queued")
    say(f"  paused at {replays.progress(held):.0%}: {held.queued - after:,} messages more than had arrived were queued")
    return moment


def _fresh(office: filling.Office, target: Sink) -> list[float]:
    """Seconds that new messages to another endpoint take from commit to the end of their delivery, while the backfill runs."""
    from workwire.reactions.webhooks.models import Attempt
    from workwire.rooms.work import commands as work

    ((other, _),) = filling.subscribe(office, target.urls[1:])
    committed: dict[str, float] = {}
    for number in range(FRESH // 2):
        ticket = work.create_ticket(office.customer.ticket_version.guid, by=office.member, title=f"Fresh {number}")
        committed[str(ticket.guid)] = time.time()
        time.sleep(0.05)
    deadline = time.monotonic() + PATIENCE
    rows = Attempt.objects.filter(delivery__subscription=other).values_list(
        "delivery__record_guid", "started_at", "duration"
    )
    while len(found := list(rows.all())) < len(committed):
        check(time.monotonic() < deadline, f"{len(found)} of {len(committed)} fresh messages were sent")
        time.sleep(0.05)
    return [started.timestamp() + took - committed[str(record)] for record, started, took in found]
