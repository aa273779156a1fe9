"""Names that change what they mean between the check and the connection: nothing arrives inside."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pycurl
import pytest

from tests.support.nameserver import NameServer
from tests.support.namespace import Namespace, own_network
from tests.support.organisation import build
from tests.support.receiver import Receiver
from tests.support.waiting import eventually, linger
from workwire.access import sessions
from workwire.worker.delivery.transport import Answer, Request, ThreadTransport, exchange, name_lookup

ROOT = Path(__file__).parents[2]
PUBLIC = "203.0.113.10"  # stands for a public address: a documentation address that this one installation allows
INSIDE = ("127.0.0.1", "169.254.169.254", "::1")
TURNS_TO = {
    "stays": [PUBLIC],
    "redirects": [PUBLIC],
    "loopback": ["127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "six": ["::1"],
    "mapped": ["::ffff:127.0.0.1"],
    "translated": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"],
    "mixed": ["127.0.0.1", PUBLIC],
    "all-inside": ["169.254.169.254", "127.0.0.1", "::1"],
}
MAY_ARRIVE = {"stays", "redirects", "mixed"}


@dataclass
class Door:
    """The REST API of a web process inside a network of its own."""

    namespace: Namespace
    port: int
    token: str

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and content of an answer."""
        return self.namespace.run(self._call, method, path, body)

    def _call(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        with contextlib.closing(connection):
            connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def wait(self) -> None:
        """Wait until somebody answers at all."""

        def answers() -> bool:
            with contextlib.suppress(ConnectionRefusedError):
                self("GET", "/me")
                return True
            return False

        eventually(answers, what="the web process does not answer")


@contextmanager
def _running(namespace: Namespace, environment: dict[str, str], *command: str) -> Iterator[None]:
    argv = [sys.executable, "-m", "workwire", *command]
    process = namespace.run(subprocess.Popen, argv, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _listeners(namespace: Namespace, port: int) -> Iterator[list[socket.socket]]:
    """What an attacker would like to reach: the receiver's port on every address inside."""
    with ExitStack() as stack:
        found = []
        for address in INSIDE:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            server = namespace.run(socket.create_server, (address, port), family=family)
            server.setblocking(False)
            found.append(stack.enter_context(server))
        yield found


def _was_reached(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.story
@pytest.mark.django_db(transaction=True)
def test_a_name_that_was_public_when_saved_leads_nowhere_inside(
    child_environment: dict[str, str], tmp_path: Path
) -> None:
    """Real web, worker and name server, in a network where the inside listens and the outside is made up."""
    made = build()
    account, customer = made.accounts["administrator"], made.customers[0]
    token = sessions.log_in(account.user.username, account.password, address="127.0.0.1")
    environment = child_environment | {
        "WORKWIRE_WEBHOOK_ALLOWED_NETWORKS": f"{PUBLIC}/32",
        "WORKWIRE_WEBHOOK_RETRY_SCHEDULE": "1,1,1",
        "WORKWIRE_PORT": "8000",
    }
    with ExitStack() as stack:
        inside = stack.enter_context(own_network((f"{PUBLIC}/32", "169.254.169.254/32"), tmp_path))
        server = NameServer({f"{name}.example.org": [PUBLIC] for name in TURNS_TO})
        inside.run(server.__enter__)
        stack.push(server)
        receiver = Receiver(host=PUBLIC)
        inside.run(receiver.__enter__)
        stack.push(receiver)
        listeners = stack.enter_context(_listeners(inside, receiver.port))
        receiver.script("/redirects", status=307, headers=[("Location", f"http://127.0.0.1:{receiver.port}/inside")])
        stack.enter_context(_running(inside, environment, "web"))
        stack.enter_context(_running(inside, environment, "worker"))
        door = Door(inside, 8000, token)
        door.wait()

        def subscribe(name: str) -> tuple[int, Any]:
            url = f"http://{name}.example.org:{receiver.port}/{name}"
            more = {"filter_type": "company", "filter_guid": str(customer.company.guid)}
            return door("POST", "/subscriptions", {"webhook": "PacketCreated", "url": url, **more})

        saved = {name: subscribe(name) for name in TURNS_TO}
        assert {name: status for name, (status, _) in saved.items() if status != 201} == {}
        assert set(server.names) <= set(server.asked)
        server.names |= {f"{name}.example.org": addresses for name, addresses in TURNS_TO.items()}
        refused_now = {name for name in TURNS_TO if subscribe(name)[0] == 422}
        assert refused_now == set(TURNS_TO) - {"stays", "redirects"}
        assert door("POST", "/tickets", {"process_version": str(customer.ticket_version.guid), "title": "x"})[0] == 201
        told = {name: _attempts(door, content["guid"]) for name, (_, content) in saved.items()}
        arrived = {request.path.strip("/") for request in receiver.requests}
        assert [listener.getsockname() for listener in listeners if _was_reached(listener)] == []
    assert {attempt["status"] for attempt in told["stays"]} == {204}
    assert {attempt["status"] for attempt in told["redirects"]} == {307}
    assert arrived <= MAY_ARRIVE
    for name in set(TURNS_TO) - MAY_ARRIVE:
        assert {(attempt["status"], attempt["error"]) for attempt in told[name]} == {(None, "refused_address")}, name
        assert not any(address in str(told[name]) for address in (*INSIDE, "64:ff9b"))  # nothing to map the inside with


def _attempts(door: Door, subscription: str) -> list[Any]:
    """The attempts for the first message to a subscription: two where it fails, for a retry is judged anew."""

    def attempts() -> list[Any]:
        _, page = door("GET", f"/deliveries?subscription={subscription}")
        if page["items"]:
            _, found = door("GET", f"/deliveries/{page['items'][0]['guid']}/attempts")
            if len(found["items"]) > 1 or page["items"][0]["state"] == "delivered":
                return list(found["items"])
        return []

    return eventually(attempts, what=f"too few attempts for {subscription}")


Ask = Callable[[], Answer]


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """What names resolve to, asked for each request: needs neither root nor a name server."""
    table: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(name_lookup, "addresses_of", table.__getitem__)
    monkeypatch.setattr(name_lookup, "FRESH", 0.0)
    return table


@pytest.fixture
def two_hosts() -> Iterator[tuple[Receiver, socket.socket]]:
    """A receiver at the one address that is allowed, and one beside it, on the same port, that nothing may reach."""
    with Receiver() as receiver, socket.create_server(("127.0.0.2", receiver.port)) as other:
        other.setblocking(False)
        yield receiver, other


def _ask(transport: ThreadTransport, answered: queue.Queue[list[Answer]], url: str) -> Answer:
    transport.submit([Request(1, url, (("Content-Type", "application/json"),), b"{}", 1.0, 2.0)])
    (answer,) = answered.get(timeout=10)
    return answer


def test_a_name_that_changes_is_judged_at_the_next_connection(
    resolved: dict[str, tuple[str, ...]], two_hosts: tuple[Receiver, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kept connection goes on to where it was judged, for its lifetime; the one after it is judged anew."""
    options = [pair for pair in exchange.FIXED_OPTIONS if pair[0] != pycurl.MAXLIFETIME_CONN]
    monkeypatch.setattr(exchange, "FIXED_OPTIONS", (*options, (pycurl.MAXLIFETIME_CONN, 1)))
    receiver, other = two_hosts
    url, answered = f"http://hooks.example.org:{receiver.port}/", queue.Queue[list[Answer]]()
    transport = ThreadTransport((ip_network("127.0.0.1/32"),), answered.put)
    try:
        resolved["hooks.example.org"] = ("127.0.0.1",)
        first = _ask(transport, answered, url)
        resolved["hooks.example.org"] = ("127.0.0.2",)
        kept = _ask(transport, answered, url)
        linger(2.1)  # the life of a connection, which libcurl counts in whole seconds on a clock of its own
        after = _ask(transport, answered, url)
    finally:
        transport.close()
    assert (first.status, first.connect_seconds > 0) == (204, True)
    assert (kept.status, kept.connect_seconds, kept.remote_address) == (204, 0, "127.0.0.1")
    assert (after.status, after.error) == (None, "refused_address")
    assert len(receiver.requests) == 2
    assert not _was_reached(other)


def test_a_connection_lives_no_longer_than_ten_minutes() -> None:
    assert dict(exchange.FIXED_OPTIONS)[pycurl.MAXLIFETIME_CONN] == exchange.CONNECTION_LIFETIME <= 600


def test_of_several_addresses_only_the_allowed_one_is_connected_to(
    resolved: dict[str, tuple[str, ...]], two_hosts: tuple[Receiver, socket.socket]
) -> None:
    receiver, other = two_hosts
    answered: queue.Queue[list[Answer]] = queue.Queue()
    transport = ThreadTransport((ip_network("127.0.0.1/32"),), answered.put)
    try:
        answers = []
        several = (("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "::1"))
        for number, addresses in enumerate(several):
            resolved[f"host{number}.example.org"] = addresses
            answers.append(_ask(transport, answered, f"http://host{number}.example.org:{receiver.port}/"))
    finally:
        transport.close()
    assert {answer.remote_address for answer in answers if answer.status} <= {"127.0.0.1"}
    assert (answers[1].status, answers[2].error) == (204, "refused_address")
    assert not _was_reached(other)
