"""The transport against servers that misbehave: every answer is bounded, every failure is a value."""

from __future__ import annotations

import contextlib
import gzip
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest

from tests.support.raw_server import LOOPBACK, OK, Kind, Sender, Server, Talk
from tests.support.waiting import eventually, linger
from workwire.kernel import clock
from workwire.worker.delivery.transport import ChildProcessTransport, Request, ThreadTransport, child_process, loop


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def start(talk: Talk, greet: bytes = b"") -> Server:
        servers.append(Server(talk, greet))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()


@pytest.fixture(params=[ThreadTransport, ChildProcessTransport], ids=["thread", "process"])
def sender(request: pytest.FixtureRequest) -> Iterator[Sender]:
    """A sender that may reach loopback."""
    made = Sender(request.param)
    yield made
    made.transport.close()


def _say(text: bytes) -> Talk:
    return lambda connection: connection.sendall(text)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 308, 400, 404, 410, 429, 500, 503])
def test_the_status_is_told_and_redirects_are_not_followed(
    status: int, serve: Callable[..., Server], sender: Sender
) -> None:
    server = serve(_say(f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".encode()))
    (answer,) = sender.send(f"http://127.0.0.1:{server.port}/")
    assert (answer.status, answer.error) == (status, None)
    assert server.connections == 1


def _forever(start: bytes, part: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(part)

    return talk


def test_an_endless_body_is_cut_and_its_status_counts(serve: Callable[..., Server], sender: Sender) -> None:
    server = serve(_forever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 8192))
    (answer,) = sender.send(f"http://127.0.0.1:{server.port}/", total=10)
    assert answer.status == 200
    assert answer.body_head == b"x" * 4096
    assert answer.total_seconds < 5


def test_endless_headers_are_cut(serve: Callable[..., Server], sender: Sender) -> None:
    server = serve(_forever(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"y" * 500 + b"\r\n"))
    (answer,) = sender.send(f"http://127.0.0.1:{server.port}/", total=10)
    assert answer.status is None
    assert answer.error
    assert answer.total_seconds < 5


def test_a_compressed_bomb_is_not_unpacked(serve: Callable[..., Server], sender: Sender) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    server = serve(_say(head + bomb))
    (answer,) = sender.send(f"http://127.0.0.1:{server.port}/", total=5)
    assert answer.status == 200
    assert answer.body_head == bomb[:4096]


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        linger(0.1)


@pytest.mark.parametrize("talk", [lambda _: linger(30), _drip, _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n")])
def test_who_stalls_drips_or_never_comes_to_the_point_is_cut_in_time(
    talk: Talk, serve: Callable[..., Server], sender: Sender
) -> None:
    server = serve(talk)
    begun = time.monotonic()
    (answer,) = sender.send(f"http://127.0.0.1:{server.port}/", total=1.0)
    assert time.monotonic() - begun < 3
    assert answer.error or answer.status == 200


def test_who_does_not_accept_is_told_from_who_does_not_answer(serve: Callable[..., Server], sender: Sender) -> None:
    silent = serve(lambda _: linger(30))
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        not_accepted, not_answered = sender.send(url, f"http://127.0.0.1:{silent.port}/", total=1.5)
    assert (not_accepted.error, not_answered.error) == ("connect_timeout", "timeout")


def test_failures_are_values(serve: Callable[..., Server], sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    plain = serve(_say(OK), greet=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    hang_up = serve(lambda connection: connection.close())
    nonsense = serve(_say(b"SSH-2.0-OpenSSH\r\n\r\n"))
    refused, tls, cut, strange, unknown = sender.send(
        f"http://127.0.0.1:{free}/",
        f"https://127.0.0.1:{plain.port}/",
        f"http://127.0.0.1:{hang_up.port}/",
        f"http://127.0.0.1:{nonsense.port}/",
        "http://does-not-exist.invalid/",
    )
    assert refused.error == "connection_refused"
    assert tls.error == "tls"
    assert cut.error
    assert strange.error
    assert unknown.error == "dns"
    assert all(answer.status is None and answer.detail for answer in (refused, tls, cut, strange, unknown))


@pytest.mark.parametrize("kind", [ThreadTransport, ChildProcessTransport])
def test_the_address_connected_to_is_judged_whatever_the_name_says(kind: Kind, serve: Callable[..., Server]) -> None:
    server, strict = serve(_say(OK)), Sender(kind, ())
    try:
        answers = strict.send(
            f"http://127.0.0.1:{server.port}/",
            f"http://localhost:{server.port}/",
            f"http://2130706433:{server.port}/",
            f"http://[::ffff:127.0.0.1]:{server.port}/",
        )
    finally:
        strict.transport.close()
    assert {answer.error for answer in answers} == {"refused_address"}
    assert server.connections == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 9 ", 9),
        ("-5", 0),
        ("soon", 0),
        ("99999999999999999999", 0),
        ("86400", 6 * 3600),
        (formatdate(time.time() + 3600, usegmt=True), 3600),
        (formatdate(time.time() - 100, usegmt=True), 0),
    ],
    ids=["seconds", "with spaces", "negative", "a word", "huge", "too long", "a date to come", "a date gone by"],
)
def test_retry_after_is_read_and_nonsense_is_nothing(value: str, seconds: int, serve: Callable[..., Server]) -> None:
    sender = Sender()
    head = f"HTTP/1.1 429 Slow\r\nX-Odd: \xe4\xff\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n"
    (answer,) = sender.send(f"http://127.0.0.1:{serve(_say(head.encode('latin-1'))).port}/")
    sender.transport.close()
    assert answer.retry_after == pytest.approx(seconds, abs=1200 if seconds == 3600 else 0)


def test_a_process_that_dies_is_answered_for_and_replaced(serve: Callable[..., Server]) -> None:
    def slow(connection: socket.socket) -> None:
        linger(0.5)
        connection.sendall(OK)

    server = serve(slow)
    sender = Sender(ChildProcessTransport)
    threading.Timer(0.2, os.kill, (sender.transport.pid, signal.SIGKILL)).start()
    lost, again = (sender.send(f"http://127.0.0.1:{server.port}/", total=5)[0] for _ in range(2))
    sender.transport.close()
    assert (lost.status, lost.error) == (None, "transport_lost")
    assert (again.status, again.error) == (204, None)


def test_a_loop_that_breaks_is_told_of_and_ends_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was under way is answered for as after any death of it."""
    told = threading.Event()
    monkeypatch.setattr(ThreadTransport, "_admit", lambda _transport: 1 / 0)
    monkeypatch.setattr(threading, "excepthook", lambda _given: None)
    ThreadTransport(LOOPBACK, lambda _answers: None, on_broken=told.set).submit(
        [Request(1, "http://127.0.0.1:9/", (), b"")]
    )
    assert told.wait(5)
    ours, theirs = socket.socketpair()
    broken = (
        "from workwire.worker.delivery.transport import ThreadTransport, child_process;"
        "ThreadTransport._admit = lambda _transport: 1 / 0;"
    )
    command = [sys.executable, "-c", f"{broken} child_process.serve({theirs.fileno()})"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with ours, theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, stderr=subprocess.DEVNULL)
        settings = {"networks": [], "max_in_flight": 4, "max_per_host": 4, "ca_bundle": "", "proxy": None}
        child_process.send(ours, settings)
        child_process.send(ours, [tuple(Request(1, "http://127.0.0.1:9/", (), b""))])
        assert process.wait(20) == 1


def test_what_gets_its_turn_too_late_is_not_sent(serve: Callable[..., Server], sender: Sender) -> None:
    server = serve(_say(OK))
    url, now = f"http://127.0.0.1:{server.port}/", clock.count()
    sender.transport.submit([Request(1, url, (), b"{}", begin_before=now - 1)])
    late = sender.queue.get(timeout=5)
    assert (late.key, late.status, late.error) == (1, None, "too_late")
    assert server.connections == 0
    sender.transport.submit([Request(2, url, (), b"{}", begin_before=now + 60)])
    assert sender.queue.get(timeout=5).status == 204


def test_a_process_that_keeps_dying_is_started_with_growing_pauses(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[float] = []
    start = subprocess.Popen

    def start_and_die(*command: Any, **how: Any) -> subprocess.Popen[bytes]:
        process = start(*command, **how)
        started.append(time.monotonic())
        if len(started) <= 3:
            process.kill()
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_die)
    server, sender = serve(_say(OK)), Sender(ChildProcessTransport)
    outcomes = [sender.send(f"http://127.0.0.1:{server.port}/", total=5)[0].error]
    while outcomes[-1] is not None:
        outcomes.append(sender.send(f"http://127.0.0.1:{server.port}/", total=5)[0].error)
    sender.transport.close()
    pauses = [later - earlier for earlier, later in pairwise(started)]
    assert set(outcomes[:-1]) == {"transport_lost"}
    assert len(pauses) == 3
    assert all(pause >= at_least for pause, at_least in zip(pauses, (0.1, 0.2, 0.4), strict=True))


def test_a_frame_cut_off_by_a_death_is_no_answer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child_process.send(theirs, [(1, 204)])
        theirs.sendall(child_process.SIZE.pack(1000) + b"half")
        theirs.shutdown(socket.SHUT_WR)
        assert list(child_process.frames(ours)) == [[(1, 204)]]


def test_connections_are_kept_and_bounded(serve: Callable[..., Server]) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def talk(connection: socket.socket) -> None:
        nonlocal now, most
        with lock:
            now, most = now + 1, max(most, now + 1)
        linger(0.01)
        with lock:
            now -= 1
        connection.sendall(OK)

    server, bounded = serve(talk), Sender(max_in_flight=50, max_per_host=4)
    try:
        answers = bounded.send(*[f"http://127.0.0.1:{server.port}/"] * 60)
    finally:
        bounded.transport.close()
    assert {answer.status for answer in answers} == {204}
    assert most <= 4
    assert server.connections <= 8


def test_closing_answers_what_is_still_out(serve: Callable[..., Server]) -> None:
    server, sender = serve(lambda _: linger(30)), Sender()
    sender.transport.submit([Request(1, f"http://127.0.0.1:{server.port}/", (), b"{}")])
    eventually(lambda: server.connections)
    begun = time.monotonic()
    sender.transport.close()
    assert time.monotonic() - begun < 2
    assert sender.queue.get(timeout=1).error == "cancelled"


@dataclass
class LateBell:
    """The end of a bell that rings once more when the threads that were not there before have had time to end."""

    clapper: socket.socket
    others: set[threading.Thread]

    def setblocking(self, flag: bool) -> None:
        self.clapper.setblocking(flag)

    def close(self) -> None:
        self.clapper.close()

    def send(self, data: bytes) -> int:
        self.clapper.send(data)
        for thread in set(threading.enumerate()) - self.others - {threading.current_thread()}:
            thread.join(0.2)
        return self.clapper.send(data)


def test_who_closes_may_ring_after_the_thread_has_seen_that_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    others, pair = set(threading.enumerate()), socket.socketpair

    def ringing_late() -> tuple[socket.socket, LateBell]:
        bell, clapper = pair()
        return bell, LateBell(clapper, others)

    monkeypatch.setattr(loop.socket, "socketpair", ringing_late)
    transport = ThreadTransport([], lambda _answers: None)
    transport.close()
    assert not set(threading.enumerate()) - others


def test_a_url_is_requested_in_its_one_spelling(sender: Sender) -> None:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def talk(connection: socket.socket) -> None:
        connection.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    lines.put(connection.recv(65536).split(b"\r\n")[0])
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        for path in ("/p?", "?", "/{a}|b?<c>^`", "/%zz", "/a/../b/./c?d=%C3%A4", "/ä"):
            (answer,) = sender.send(f"http://{place}{path}")
            assert answer.status == 204, answer
        server.close()
    assert [lines.get(timeout=1) for _ in range(6)] == [
        b"POST /p? HTTP/1.1",
        b"POST /? HTTP/1.1",
        b"POST /%7Ba%7D%7Cb?%3Cc%3E%5E%60 HTTP/1.1",
        b"POST /%25zz HTTP/1.1",
        b"POST /a/../b/./c?d=%C3%A4 HTTP/1.1",
        b"POST /%C3%A4 HTTP/1.1",
    ]
