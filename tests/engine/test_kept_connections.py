"""Kept connections: what an endpoint says late or unasked is never the answer to the next message."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.raw_server import LOOPBACK, OK, Sender, Server, Talk
from tests.support.waiting import linger
from workwire.worker.delivery.transport import ChildProcessTransport, ThreadTransport, kept_connections
from workwire.worker.delivery.transport.kept_connections import KeptConnection, KeptConnections

TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
FAILED = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
Serve = Callable[[Talk], Server]


@pytest.fixture(params=["http", "https"])
def serve(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[Serve]:
    """Start servers, over TLS once, that end with the test."""
    servers: list[Server] = []
    tls = authority.server(tmp_path) if request.param == "https" else None

    def start(talk: Talk) -> Server:
        servers.append(Server(talk, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()


@pytest.fixture
def authority() -> Authority:
    """Who signs the servers' certificates."""
    return Authority()


@pytest.fixture(params=[ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def sender(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[Sender]:
    """A sender that trusts the authority."""
    made = Sender(request.param, ca_bundle=authority.file(tmp_path))
    yield made
    made.transport.close()


def _statuses(sender: Sender, server: Server, count: int, *, pause: float) -> list[int | str | None]:
    """How so many messages were answered, one after the other."""
    told: list[int | str | None] = []
    for _ in range(count):
        (answer,) = sender.send(server.url)
        told.append(answer.status or answer.error)
        linger(pause)
    return told


def _then(first: bytes, after: float, second: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        linger(after)
        connection.sendall(second)

    return talk


def test_connections_are_kept_also_over_tls(serve: Serve, sender: Sender) -> None:
    server = serve(lambda connection: connection.sendall(OK))
    assert _statuses(sender, server, 5, pause=0.02) == [204] * 5
    assert server.connections == 1


def test_steps_are_timed_and_a_kept_connection_has_none_of_connecting(serve: Serve, sender: Sender) -> None:
    server = serve(lambda connection: connection.sendall(OK))
    (first,), (kept,) = sender.send(server.url), sender.send(server.url)
    for answer in (first, kept):
        steps = answer.name_seconds + answer.connect_seconds + answer.tls_seconds + answer.first_byte_seconds
        assert 0 < answer.first_byte_seconds <= steps <= answer.total_seconds + 0.001
    assert (first.connect_seconds > 0, first.tls_seconds > 0) == (True, server.url.startswith("https"))
    assert (kept.connect_seconds, kept.tls_seconds) == (0, 0)


@pytest.mark.parametrize("pause", [0.1, 0.3], ids=["soon", "later"])
def test_what_is_said_unasked_on_an_idle_connection_answers_nothing(pause: float, serve: Serve, sender: Sender) -> None:
    """A timeout for a request that was never made, 0.05 s after each answer."""
    server = serve(_then(TAKEN, 0.05, TIMEOUT))
    assert _statuses(sender, server, 4, pause=pause) == [200] * 4
    assert server.requests == 4


def test_a_late_body_of_an_answer_without_one_answers_nothing(serve: Serve, sender: Sender) -> None:
    server = serve(_then(OK, 0.02, b"HTTP/1.1 200 OK is what I would say\r\n\r\n"))
    assert _statuses(sender, server, 4, pause=0.1) == [204] * 4


@pytest.mark.parametrize("pause", [0.0, 0.1], ids=["at once", "later"])
def test_a_late_success_after_an_error_is_not_the_next_messages(pause: float, serve: Serve, sender: Sender) -> None:
    """The gateway gave up, the endpoint did not: whenever the next message goes, it must not take that success."""
    server = serve(_then(FAILED, 0.03, TAKEN))
    assert _statuses(sender, server, 6, pause=pause) == [500] * 6


def test_an_answer_too_many_in_the_same_segment_answers_nothing(serve: Serve, sender: Sender) -> None:
    """TLS reads on to the end of what has arrived, so that nothing waits at the socket."""

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(b"HTTP/1.1 202 Mine\r\nContent-Length: 2\r\n\r\nhi")
        connection.sendall(TAKEN)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    told = _statuses(sender, serve(talk), 5, pause=0.02)
    assert set(told) <= {202, "stale_answer"}
    assert told.count("stale_answer") <= 1  # and from then on each has a connection of its own


def test_who_talks_unasked_gets_a_new_connection_for_each_message(serve: Serve, sender: Sender) -> None:
    quiet = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(TAKEN)
        if not quiet.is_set():
            linger(0.02)
            connection.sendall(TAKEN)

    server = serve(talk)
    _statuses(sender, server, 2, pause=0.1)
    quiet.set()
    assert _statuses(sender, server, 3, pause=0.05) == [200] * 3
    assert server.connections == 5


def test_a_connection_ended_while_idle_is_replaced_without_an_error(serve: Serve, sender: Sender) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(OK)
        linger(0.02)
        connection.close()

    server = serve(talk)
    assert _statuses(sender, server, 4, pause=0.1) == [204] * 4
    assert (server.connections, server.requests) == (4, 4)


def test_what_is_lost_with_a_kept_connection_goes_out_once(serve: Serve, sender: Sender) -> None:
    """libcurl would send it again without a word; here that is another attempt."""
    taken = 0

    def talk(connection: socket.socket) -> None:
        nonlocal taken
        taken += 1
        if taken == 2:
            connection.close()
        else:
            connection.sendall(OK)

    server = serve(talk)
    assert _statuses(sender, server, 3, pause=0.02) == [204, "connection_lost", 204]
    assert (server.requests, server.connections) == (3, 2)


def test_an_answer_that_comes_sooner_than_one_can_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something was on its way when the request went out; here the way is said to take a second."""
    monkeypatch.setattr(KeptConnection, "_shortest_round_trip", lambda _connection: 1.0)
    server, sender = Server(lambda connection: connection.sendall(TAKEN)), Sender()
    slow = Server(_then(b"", 1.05, TAKEN))
    try:
        assert _statuses(sender, server, 2, pause=0.01) == [200, "stale_answer"]
        assert _statuses(sender, slow, 2, pause=0.01) == [200, 200]
        assert slow.connections == 1
    finally:
        sender.transport.close()
        server.socket.close()
        slow.socket.close()


def test_the_shortest_round_trip_is_measured_by_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        theirs.sendall(b"12345")
        kept = KeptConnection(ours.fileno(), (*theirs.getsockname(), *ours.getsockname()))
        try:
            assert not kept.is_too_soon(0.5)
            assert kept.is_too_soon(0.0)
            ours.recv(3)
            assert kept.read_so_far() == 3
        finally:
            kept.let_go()
            theirs.close()


@pytest.mark.parametrize("option", [None, 0x7FFF, socket.TCP_MAXSEG], ids=["unknown", "refused", "too short"])
def test_where_the_system_measures_nothing_the_look_before_sending_remains(
    option: int | None, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: Authority
) -> None:
    monkeypatch.setattr(kept_connections, "TCP_INFO", option)
    sender = Sender(ca_bundle=authority.file(tmp_path))
    server = serve(_then(TAKEN, 0.05, TIMEOUT))
    quiet = serve(lambda connection: connection.sendall(OK))
    try:
        assert _statuses(sender, server, 3, pause=0.1) == [200] * 3
        assert _statuses(sender, quiet, 3, pause=0.01) == [204] * 3
    finally:
        sender.transport.close()
    assert quiet.connections == 1


def test_what_is_known_of_a_closed_connection_goes_with_its_descriptor_or_its_ends() -> None:
    ends, others = ("127.0.0.1", "127.0.0.1", 1, 2), ("127.0.0.1", "127.0.0.1", 1, 3)
    with socket.socket() as first, socket.socket() as second:
        known = KeptConnections()
        known.keep(ends, first.fileno())
        known.keep(others, first.fileno())
        assert known.find(ends) is None
        known.keep(others, second.fileno())
        known.keep(ends, first.fileno())
        assert known.find(ends) is not None
        assert known.find(others) is not None
        known.end(ends, first.fileno())
        assert known.find(ends) is None
        known.clear()
        assert known.find(others) is None


def test_a_thousand_messages_at_once_are_not_taken_for_stale() -> None:
    server, sender = Server(lambda connection: connection.sendall(OK)), Sender(networks=LOOPBACK)
    try:
        answers = sender.send(*[server.url] * 1000, total=10)
    finally:
        sender.transport.close()
        server.socket.close()
    assert {answer.status for answer in answers} == {204}
    assert server.connections <= 16


def test_a_connection_that_brought_an_error_carries_no_other_of_many_messages() -> None:
    """Also where libcurl would hand it on in the same turn, before the error was looked at."""
    failed: set[socket.socket] = set()
    after_an_error: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        if connection in failed:
            after_an_error.append(connection)
        if server.requests % 3:
            connection.sendall(OK)
        else:
            failed.add(connection)
            connection.sendall(FAILED)

    server, sender = Server(talk), Sender(networks=LOOPBACK)
    try:
        answers = sender.send(*[server.url] * 500, total=10)
    finally:
        sender.transport.close()
        server.socket.close()
    assert {answer.status for answer in answers} == {204, 500}
    assert after_an_error == []
