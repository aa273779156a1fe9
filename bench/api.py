"""`api`: creating tickets through the REST API and through the documented web API of a real `workwire web`.

Clients with connections kept alive ask as fast as they are answered. Counted is what the web process (and, apart, the
database server) spends of a processor; every answer must be good, and every ticket and its event must be there.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

import filling
import rig
from figures import Figure, Given, check, median, say
from sink import free_ports, wait_for_port

CLIENTS = 16
REST, DOCUMENTED = "rest", "webapi"


@dataclass(frozen=True, slots=True)
class Served:
    """Requests a second by the clock and for each second of a processor, and milliseconds of the database server each."""

    rate: float
    per_core: float
    server: float


def measure(given: Given) -> list[Figure]:
    """Both doors, one after the other."""
    count, port, figures = given.size(3_000, 300), free_ports(1)[0], list[Figure]()
    with rig.installation(given.database, port=port) as place:
        office = filling.office(1)
        with rig.running("web") as pid:
            wait_for_port(port)
            token = log_in(port, office)
            for door in (REST, DOCUMENTED):
                request = creation(door, office, token)
                _serve(port, request, 200, pid, place)  # so that everything is loaded
                runs = [_serve(port, request, count, pid, place) for _ in range(given.runs)]
                name = f"api.{door}.{given.database}"
                figures += [
                    median(f"{name}.core", [run.per_core for run in runs], "tickets/s of a core"),
                    median(f"{name}.clock", [run.rate for run in runs], "tickets/s"),
                    median(f"{name}.server", [run.server for run in runs], "ms"),
                ]
                say(f"  {door}: {', '.join(map(str, figures[-3:]))} of the database server each")
    return figures


def log_in(port: int, office: filling.Office) -> str:
    """The token of somebody who may create tickets."""
    account = office.organisation.accounts["team member"]
    login = {"username": account.user.username, "password": account.password}
    return str(json.loads(asyncio.run(post(port, [_request("/api/v1/tokens", login)], 201))[0])["token"])


def creation(door: str, office: filling.Office, token: str) -> bytes:
    """The request that creates a ticket as a draft."""
    version, title = str(office.customer.ticket_version.guid), "Invoice 4711 does not match the order"
    if door == REST:
        return _request("/api/v1/tickets", {"process_version": version, "title": title}, token)
    return _request("/webapi/Ticket/Create", {"TicketAttributeVersionGUID": version, "Title": title}, token)


def _request(path: str, body: dict[str, str], token: str = "") -> bytes:
    content = json.dumps(body).encode()
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def _serve(port: int, request: bytes, count: int, pid: int, place: rig.Installation) -> Served:
    """Let so many tickets be created."""
    tickets, events = _there()
    begun, web, server = time.perf_counter(), rig.processor_seconds(pid), place.processor_seconds()
    asyncio.run(post(port, [request] * count, 201 if b"/api/v1/" in request else 200))
    took = time.perf_counter() - begun
    web, server = rig.processor_seconds(pid) - web, place.processor_seconds() - server
    made = tuple(after - before for after, before in zip(_there(), (tickets, events), strict=True))
    check(made == (count, count), f"{made[0]} tickets and {made[1]} events came of {count} requests")
    return Served(count / took, count / web, server / count * 1e3)


def _there() -> tuple[int, int]:
    from workwire.outbox.models import Event
    from workwire.rooms.work.models import WorkItem

    return WorkItem.objects.count(), Event.objects.filter(name="WorkItemCreated").count()


async def post(port: int, requests: list[bytes], status: int) -> list[bytes]:
    """Send requests over a few connections kept alive; the bodies of the answers, all of this status."""
    left, bodies = requests[:], list[bytes]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left:
            writer.write(left.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            bodies.append(await reader.readexactly(length))
            check(int(head.split()[1]) == status, f"answered {head.split()[1].decode()}: {bodies[-1][:200]!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(min(CLIENTS, len(requests)))))
    return bodies
