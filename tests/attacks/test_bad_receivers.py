"""Receivers that answer to do harm: every answer is bounded in time and memory, and every attempt is in the log."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.raw_server import Server
from tests.support.receiver import Receiver
from tests.support.world import Subscribe
from workwire.reactions.webhooks.models import Attempt, Queued, State
from workwire.rooms.work.models import WorkItem
from workwire.worker.delivery.engine import Engine

TIMEOUT = 2.0
MOST_GROWTH = 48 * 1024  # KiB that all of these together may cost the process that reads them
Part = bytes | float  # what is sent, or the seconds of a pause
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FILLER = b"y" * 8192
BOMB = gzip.compress(b"\0" * 20_000_000)


def _endless(start: bytes, part: bytes, pause: float = 0.0) -> Callable[[], Iterator[Part]]:
    def parts() -> Iterator[Part]:
        yield start
        while True:
            yield part
            if pause:
                yield pause

    return parts


def _once(*parts: Part) -> Callable[[], Iterator[Part]]:
    return lambda: iter(parts)


# what a receiver says, and what the log may say of it: a status that counts, or an error
ANSWERS: dict[str, tuple[Callable[[], Iterator[Part]], set[int | str]]] = {
    "endless headers": (_endless(OK, b"X-Filler: " + b"y" * 500 + b"\r\n"), {"too_large_headers"}),
    "many tiny headers": (_endless(OK, b"a:\r\n" * 1000), {"too_large_headers"}),
    "one endless header": (_endless(OK + b"X-Filler: ", FILLER), {"too_large_headers"}),
    "one header dripping": (_endless(OK + b"X-Filler: ", b"y", 0.05), {"timeout"}),
    "an endless status line": (_endless(b"HTTP/1.1 200 ", FILLER), {"too_large_headers"}),
    "a head dripping": (_endless(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", 0.05), {"timeout"}),
    "an endless body": (_endless(OK + b"\r\n", FILLER), {200}),
    "a gigabyte announced": (_endless(OK + b"Content-Length: 1073741824\r\n\r\n", FILLER), {200}),
    "a body dripping": (_endless(OK + b"Content-Length: 9999\r\n\r\n", b"y", 0.05), {"timeout"}),
    "endless chunks": (_endless(CHUNKED, b"2000\r\n" + FILLER + b"\r\n"), {200}),
    "tiny chunks": (_endless(CHUNKED, b"1\r\ny\r\n" * 500), {200}),
    "an endless chunk extension": (_endless(CHUNKED + b"1;a=", FILLER), {"timeout"}),
    "a chunk extension dripping": (_endless(CHUNKED + b"1;a=", b"y", 0.05), {"timeout"}),
    "an impossible chunk": (_once(CHUNKED + b"F" * 40 + b"\r\n" + FILLER), {"protocol"}),
    "endless trailers": (_endless(CHUNKED + b"0\r\n", b"X-T: " + FILLER + b"\r\n"), {"too_large_headers"}),
    "a flood of 100 Continue": (
        _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200),
        {"too_large_headers", "timeout"},
    ),
    "a flood of 103 with headers": (
        _endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <" + b"y" * 2000 + b">\r\n\r\n"),
        {"too_large_headers", "timeout"},
    ),
    "102 dripping": (_endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.05), {"timeout"}),
    "a compressed bomb": (
        _once(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
        {200},
    ),
    "compressed twice": (
        _once(OK + b"Content-Encoding: gzip, br, deflate\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
        {200},
    ),
    "a compressed transfer": (
        _once(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % len(BOMB), BOMB, b"\r\n0\r\n\r\n"),
        {"protocol"},
    ),
    "no length at all": (_once(OK + b"Content-Length: -1\r\n\r\n", b"x"), {"protocol"}),
    "two lengths": (_once(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), {"protocol"}),
    "length and chunks": (_once(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), {200}),
    "a NUL in a header": (_once(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"), {"protocol"}),
    "no header at all": (_once(b"hello\r\n\r\n"), {"protocol"}),
    "another protocol": (_once(b"\x16\x03\x01\x02\x00\x01" + FILLER), {"protocol"}),
    "HTTP/2 unasked": (_once(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + FILLER), {"protocol"}),
    "a status that is none": (_once(b"HTTP/1.1 999999 Huh\r\nContent-Length: 0\r\n\r\n"), {999}),
    "a status below all": (
        _once(b"HTTP/1.1 007 Bond\r\nContent-Length: 0\r\n\r\n"),
        {"protocol"},
    ),
    "switching protocols": (_once(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", 9.0), {"timeout"}),
    "a redirect inside": (
        _once(b"HTTP/1.1 307 T\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n"),
        {307},
    ),
    "cookies and more": (
        _once(
            OK
            + b'Set-Cookie: a=b\r\nAlt-Svc: h3=":1"\r\nStrict-ThreadTransport-Security: max-age=9\r\nContent-Length: 0\r\n\r\n'
        ),
        {200},
    ),
    "silence": (_once(9.0), {"timeout"}),
    "goodbye": (_once(), {"reset"}),
}


def _server(parts: Callable[[], Iterator[Part]], closing: Callable[[float], bool]) -> Server:
    def talk(connection: socket.socket) -> None:
        for part in parts():
            if not isinstance(part, float):
                connection.sendall(part)
            elif closing(part):
                break
        connection.close()

    return Server(talk)


def _peak(process: int) -> int:
    """The most memory a process ever held, in KiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def test_every_bad_answer_is_bounded_and_told(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once, twice, beside a receiver that is well: nobody waits longer than an attempt may take."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"webhook_timeout": TIMEOUT}))
    engine = Engine()
    with ExitStack() as stack:
        stack.callback(engine.close)
        subscriptions = {}
        for name, (parts, _) in ANSWERS.items():
            server = _server(parts, receiver.closing.wait)
            stack.callback(server.socket.close)
            subscriptions[subscribe(url=f"http://127.0.0.1:{server.port}/")[0].pk] = name
        well, _ = subscribe()
        process = engine.transport.pid  # type: ignore[union-attr]  # it is apart
        open_ticket()
        engine.drain()
        before = _peak(process)
        open_ticket()
        engine.drain()
        assert _peak(process) - before < MOST_GROWTH
        assert before < 150 * 1024  # the bound of a whole worker
    told: dict[str, set[int | str]] = {name: set() for name in ANSWERS}
    for attempt in Attempt.objects.select_related("delivery").exclude(delivery__subscription=well):
        name = subscriptions[attempt.delivery.subscription_id]
        told[name].add(attempt.status or attempt.error)
        assert attempt.duration < TIMEOUT + 1, name
        assert len(attempt.answer_head) <= 4096, name
        assert attempt.status or attempt.detail.endswith((".", ")")), name
        assert attempt.detail.isprintable(), name
    assert {name: found for name, found in told.items() if not found or not found <= ANSWERS[name][1]} == {}
    assert {delivery.state for delivery in well.deliveries.all()} == {State.DELIVERED}
    assert len(receiver.requests) == 2
    succeeded = {name for name, found in told.items() if found & set(range(200, 300))}
    waiting = Queued.objects.values_list("subscription_id", flat=True)
    assert {subscriptions[pk] for pk in waiting} == set(ANSWERS) - succeeded


def test_what_follows_an_answer_is_not_the_answer_to_the_next_message(
    subscribe: Subscribe, open_ticket: Callable[..., WorkItem], engine: Engine
) -> None:
    """A receiver that answers twice, the second time with success: the next message gets an answer of its own."""
    spoof = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    server = Server(lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" + spoof))
    subscribe(url=f"http://127.0.0.1:{server.port}/")
    for _ in range(3):
        open_ticket()
        engine.drain()
    server.socket.close()
    assert set(Attempt.objects.values_list("status", flat=True)) == {500}
