"""`tickets`: one ticket through the documented web API with all that follows from it, until its message has arrived.

Idle, tickets come one by one: counted is the time from the API's answer to the arrival of the message, and the memory of the
worker. Busy, clients with connections kept alive ask as fast as they are answered: counted is the processor time of the web
process, the database server and the worker for each ticket, until its message has arrived. Every answer must be good, every
message signed, every ticket told of once.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import time
from typing import TYPE_CHECKING

import filling
import rig
from api import DOCUMENTED, creation, log_in, post
from figures import Figure, Given, check, median, percentile, say
from receiver import Receiver, receiver
from sink import free_ports, wait_for_port

if TYPE_CHECKING:
    from rig import Installation

PAUSE = 0.03  # seconds between two tickets of an idle installation
WARM_UP = 50


def measure(given: Given) -> list[Figure]:
    """Idle first, then busy."""
    port, name = free_ports(1)[0], f"tickets.{given.database}"
    with receiver() as to, rig.installation(given.database, port=port) as place:
        office = filling.office(1)
        to.trust({str(made.guid): secret for made, secret in filling.subscribe(office, to.urls)})
        with rig.running("web") as web, rig.quiet_worker() as worker:
            wait_for_port(port)
            request = creation(DOCUMENTED, office, log_in(port, office))
            asyncio.run(post(port, [request] * WARM_UP, 200))
            to.wait_for(WARM_UP)
            waits = _one_by_one(port, request, given.size(500, 100), to)
            idle = [
                Figure(f"{name}.p50", statistics.median(waits) * 1e3, "ms"),
                Figure(f"{name}.p99", percentile(waits, 0.99) * 1e3, "ms"),
                Figure(f"{name}.memory", rig.memory(worker), "MiB"),
            ]
            say(f"  idle: {', '.join(map(str, idle))}")
            runs = [
                _all_at_once(port, request, given.size(3_000, 600), to, place, web, worker) for _ in range(given.runs)
            ]
    parts = [*zip(*runs, strict=True)]
    return [
        *idle,
        median(f"{name}.clock", parts[0], "tickets/s"),
        median(f"{name}.processor", [sum(run[1:]) for run in runs], "ms"),
        *(
            median(f"{name}.{who}", part, "ms")
            for who, part in zip(("web", "server", "worker"), parts[1:], strict=True)
        ),
    ]


def _one_by_one(port: int, request: bytes, count: int, to: Receiver) -> list[float]:
    """Seconds from the answer to the arrival of each of so many tickets, with pauses between them."""
    answered: dict[str, float] = {}
    head, _, body = request.partition(b"\r\n\r\n")
    path = head.split()[1].decode()
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    before = to.count()
    for _ in range(count):
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        at = time.perf_counter()
        check(answer.status == 200, f"answered {answer.status}: {content[:200]!r}")
        answered[json.loads(content)["GUID"]] = at
        time.sleep(PAUSE)
    connection.close()
    to.wait_for(before + count)
    arrived, event_of = to.arrivals(), _events()
    return [arrived[event_of[ticket]] - at for ticket, at in answered.items()]


def _all_at_once(
    port: int, request: bytes, count: int, to: Receiver, place: Installation, web: int, worker: int
) -> tuple[float, float, float, float]:
    """Tickets a second, and milliseconds of the web process, the database server and the worker for each."""

    def spent() -> tuple[float, float, float]:
        return rig.processor_seconds(web), place.processor_seconds(), rig.processor_seconds(worker)

    arrived, before, begun = to.count(), spent(), time.perf_counter()
    asyncio.run(post(port, [request] * count, 200))
    took = time.perf_counter() - begun
    to.wait_for(arrived + count)
    time.sleep(0.5)  # the last are being settled
    after = spent()
    check(to.count() == arrived + count, f"{to.count() - arrived} messages came of {count} tickets")
    each = [(end - start) / count * 1e3 for end, start in zip(after, before, strict=True)]
    return count / took, each[0], each[1], each[2]


def _events() -> dict[str, str]:
    """The event of each new ticket."""
    from workwire.outbox.models import Event

    found = Event.objects.filter(name="WorkItemCreated").values_list("record_guid", "guid")
    return {str(record): str(event) for record, event in found}
