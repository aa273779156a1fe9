"""Events offered at a steady rate by a process of its own, through the ordinary ledger, and how long each takes from its
commit to its arrival at a receiver."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from figures import check
from receiver import Receiver

if TYPE_CHECKING:
    from uuid import UUID

    from workwire.rooms.work.models import WorkItem

TICK = 0.02  # seconds from one transaction to the next


@dataclass(frozen=True, slots=True)
class Journey:
    """Seconds from commit to arrival of each event, and how many events a second were committed."""

    waits: list[float]
    offered: float


def travel(
    to: Receiver, tickets: Sequence[WorkItem], rate: float, seconds: float, *, lost: Collection[WorkItem] = ()
) -> Journey:
    """Offer changes of the tickets in turn and wait for their arrival, but for those of tickets that go to sick endpoints.

    Raises Failed when one does not arrive or is not signed right.
    """
    guids, sick = [ticket.guid for ticket in tickets], {ticket.guid for ticket in lost}
    before = to.count()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        committed, took = process.submit(offer, guids, rate, seconds).result()
    healthy = {event: at for event, (ticket, at) in committed.items() if ticket not in sick}
    to.wait_for(before + len(healthy))
    arrived = to.arrivals()
    check(healthy.keys() <= arrived.keys(), "other events arrived than were offered")
    return Journey([arrived[event] - at for event, at in healthy.items()], len(committed) / took)


def offer(guids: Sequence[UUID], rate: float, seconds: float) -> tuple[dict[str, tuple[UUID, float]], float]:
    """The process: commit so many events a second, in a transaction every tick; what fell behind is caught up with.

    Returns the ticket and the moment of the commit of each event by its id, and the seconds it took."""
    import django

    django.setup()
    from django.db import transaction

    from workwire.kernel.actor import SYSTEM
    from workwire.outbox.ledger import record
    from workwire.rooms.work.events import WorkItemUpdated, subject
    from workwire.rooms.work.models import WorkItem

    items = WorkItem.objects.select_related("customer", "contract", "service").in_bulk(guids, field_name="guid")
    subjects = [subject(items[guid]) for guid in guids]
    bodies = [WorkItemUpdated.sample().model_copy(update={"GUID": str(guid)}) for guid in guids]
    committed: dict[str, tuple[UUID, float]] = {}
    total, begun = int(rate * seconds), time.perf_counter()
    while (count := len(committed)) < total:
        due = min(total, int((time.perf_counter() - begun + TICK) * rate))
        places = [number % len(guids) for number in range(count, max(due, count + 1))]
        with transaction.atomic():
            made = [record(bodies[place], about=subjects[place], by=SYSTEM, changes=()) for place in places]
        at = time.perf_counter()
        committed |= {str(event.guid): (event.record_guid, at) for event in made}
        time.sleep(max(0.0, begun + len(committed) / rate - time.perf_counter()))
    return committed, time.perf_counter() - begun
