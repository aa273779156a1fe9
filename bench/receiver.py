"""A receiver that keeps up: a process of its own that verifies every signature and notes when each message arrives.

It knows nothing of Workwire but the Standard Webhooks algorithm. Ports behave well, hang (read and never answer) or read
slowly (a few bytes at a time). Moments are those of `time.perf_counter`, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import multiprocessing
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from figures import check

WELL, HANGING, SLOW = "well", "hanging", "slow"
SLOW_BYTES, SLOW_PAUSE = 64, 0.05
TOLERANCE = 300
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver as others talk to it."""

    ports: list[int]
    _line: Connection

    @property
    def urls(self) -> list[str]:
        """One URL on each of its ports."""
        return [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    def trust(self, secrets: Mapping[str, str]) -> None:
        """Verify messages of these subscriptions with their secrets; others count as wrong."""
        self._ask("trust", {guid: base64.b64decode(secret.removeprefix("whsec_")) for guid, secret in secrets.items()})

    def count(self) -> int:
        """How many different events arrived."""
        return int(self._ask("count"))

    def arrivals(self) -> dict[str, float]:
        """When each event arrived first, by its id; raises Failed when a signature was wrong."""
        wrong, found = self._ask("arrivals")
        check(not wrong, f"{wrong} messages were not signed as they should be")
        return found

    def wait_for(self, events: int, *, seconds: float = 60.0) -> None:
        """Wait until so many different events arrived; raises Failed when they do not."""
        deadline = time.monotonic() + seconds
        while (count := self.count()) < events:
            check(time.monotonic() < deadline, f"{events - count} of {events} events did not arrive")
            time.sleep(0.05)

    def _ask(self, *question: object) -> Any:
        self._line.send(question)
        return self._line.recv()


@contextlib.contextmanager
def receiver(behaviours: Sequence[str] = (WELL,)) -> Iterator[Receiver]:
    """A receiver with a port for each behaviour."""
    context = multiprocessing.get_context("spawn")
    line, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, behaviours), daemon=True)
    process.start()
    try:
        yield Receiver(line.recv(), line)
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def dead_port() -> Iterator[int]:
    """A port that refuses every connection: bound, but nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


def serve(line: Connection, behaviours: Sequence[str]) -> None:
    """The process: listen, say where, answer what is asked over the line."""
    asyncio.run(_serve(line, behaviours))


async def _serve(line: Connection, behaviours: Sequence[str]) -> None:
    book, loop = Book(), asyncio.get_running_loop()
    made = {WELL: Well, HANGING: Hanging, SLOW: Slow}
    servers = []
    for behaviour in behaviours:
        ear = socket.socket()
        ear.bind(("127.0.0.1", 0))
        if behaviour == SLOW:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        make, kept = made[behaviour], book if behaviour == WELL else Book()  # what sick ones get counts for nothing
        servers.append(await loop.create_server(lambda make=make, kept=kept: make(kept), sock=ear, backlog=1024))
    line.send([server.sockets[0].getsockname()[1] for server in servers])
    loop.add_reader(line.fileno(), lambda: line.send(book.answer(*line.recv())))
    await asyncio.Event().wait()


class Book:
    """What arrived."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._first: dict[str, float] = {}
        self._wrong = 0

    def answer(self, what: str, *given: Any) -> Any:
        """Answer a question of the other process."""
        if what == "trust":
            self._keys |= given[0]
        return {"trust": None, "count": len(self._first), "arrivals": (self._wrong, self._first)}[what]

    def note(self, head: bytes, body: bytes) -> None:
        """Verify a message and note its arrival."""
        at = time.perf_counter()
        headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        key = self._keys.get(headers[b"Webhook-Subscription"].decode())
        if key is None or not _is_signed(headers, body, key):
            self._wrong += 1
        else:
            self._first.setdefault(json.loads(body)["EventID"], at)


def _is_signed(headers: Mapping[bytes, bytes], body: bytes, key: bytes) -> bool:
    stamp = headers[b"Webhook-Timestamp"]
    if abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    right = hmac.digest(key, b"%b.%b.%b" % (headers[b"Webhook-Id"], stamp, body), "sha256")
    given = headers[b"Webhook-Signature"].split(b" ")
    return any(hmac.compare_digest(b"v1," + base64.b64encode(right), one) for one in given)


class Well(asyncio.Protocol):
    """Takes messages as fast as they come and answers each at once."""

    def __init__(self, book: Book) -> None:
        self._book, self._buffer = book, b""

    def connection_made(self, transport: Any) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take all messages that are whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            _, _, length = head.lower().partition(b"content-length: ")
            whole = end + 4 + int(length.split(b"\r\n", 1)[0])
            if len(self._buffer) < whole:
                return
            self._book.note(head, self._buffer[end + 4 : whole])
            self._buffer = self._buffer[whole:]
            self._transport.write(ANSWER)


class Hanging(asyncio.Protocol):
    """Takes messages and never answers."""

    def __init__(self, _book: Book) -> None:
        pass


class Slow(asyncio.BufferedProtocol):
    """Reads a few bytes at a time and answers long after."""

    def __init__(self, book: Book) -> None:
        self._whole, self._piece = Well(book), bytearray(SLOW_BYTES)

    def connection_made(self, transport: Any) -> None:
        """Remember where to answer."""
        self._transport = transport
        self._whole.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> bytearray:
        """Where the next bytes go."""
        return self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """Take them and rest."""
        self._transport.pause_reading()
        self._whole.data_received(bytes(self._piece[:nbytes]))
        asyncio.get_running_loop().call_later(SLOW_PAUSE, self._go_on)

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
