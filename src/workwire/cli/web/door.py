"""The door before the web application: one event loop reads requests and sends answers, threads do the work.

Guarantees, for any client and without a proxy in front: no thread waits for a client that has not shown a valid login. Of a
request that nobody has authenticated yet at most `WHOLE` bytes are read, and only a request that is whole takes a thread. A
larger body is read piece by piece by threads of their own, whose doors check the login first; the slow bodies of one account
hold at most half of those threads. Bodies and pieces have deadlines. An answer waits for its client in the server, a file on
the disk, and not in a thread.

What holds a connection open for long (events sent by the server, long polling) belongs into this loop, not into a thread.
"""

from __future__ import annotations

import asyncio
import io
import logging
import queue
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # it is there for applications to catch

from workwire.cli.web.incoming import Incoming, SlowBodies
from workwire.kernel.json_bodies import LARGEST_BEFORE_LOGIN

logger = logging.getLogger(__name__)
WHOLE = LARGEST_BEFORE_LOGIN  # bytes of a body that is read before a thread works on it
SLOWEST = 16 * 1024  # bytes a second of a larger body, all in all
PIECE = 256 * 1024
READY_SECONDS = 3.0  # until a database that says nothing counts as one that is away
AGAIN = 5  # seconds after which an account with too many slow bodies may try again
LATE = "The body took too long."
LIVE = b'{"status": "live"}'
SILENT = b'{"status": "unready", "reason": "The database has not answered in time."}'
T = TypeVar("T")


class Scope(Protocol):
    """What granian says of a request."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any


class Door:
    """A WSGI application as granian's RSGI calls it. `threads` work on whole requests, half as many (at least two) on larger
    ones; a client has `seconds` for a small body and for each piece of a larger one. Health is told whatever the others wait
    for: that the process lives by the loop itself, that it is ready by a thread of its own, within `READY_SECONDS`."""

    def __init__(self, handler: Callable[..., Any], *, threads: int, seconds: float) -> None:
        self._handler, self._seconds = handler, seconds
        self._threads = _Threads(threads)
        patient = max(2, threads // 2)
        self._patient, self._slow = _Threads(patient), SlowBodies(patient // 2)
        self._watching = _Threads(1)

    async def __rsgi__(self, scope: Scope, proto: Any) -> None:
        """Answer one request."""
        if scope.path == "/health/live" and scope.method in ("GET", "HEAD"):
            _tell(proto, 200, LIVE)
            return
        environ = environ_of(scope)
        length, in_chunks = environ.get("CONTENT_LENGTH", "0"), environ.pop("HTTP_TRANSFER_ENCODING", None)
        if not length.isdecimal() or (in_chunks and "CONTENT_LENGTH" in environ):
            _say(proto, 411, "Say the length of the body.")
        elif in_chunks:
            await self._read_first(environ, _small(environ, proto), proto)
        elif scope.path == "/health/ready" and scope.method in ("GET", "HEAD"):
            await self._tell_ready(environ, proto)
        elif int(length) > WHOLE:
            await self._read_along(environ, int(length), proto)
        else:
            await self._read_first(environ, proto() if int(length) else _nothing(), proto)

    async def _tell_ready(self, environ: dict[str, Any], proto: Any) -> None:
        """Say whether the application is ready, or that it cannot say so in time."""

        def ask() -> tuple[int, bytes]:
            started = _Started()
            answer = self._handler(environ, started)
            content = b"".join(answer)
            answer.close()
            return started.status, content

        environ["wsgi.input"] = io.BytesIO()
        try:
            async with asyncio.timeout(READY_SECONDS):
                _tell(proto, *await self._watching.run(ask))
        except TimeoutError:
            _tell(proto, 503, SILENT)

    async def _read_first(self, environ: dict[str, Any], body: Awaitable[bytes], proto: Any) -> None:
        """Read the body, then let a thread work on the request."""
        try:
            async with asyncio.timeout(self._seconds):
                environ["wsgi.input"] = io.BytesIO(await body)
        except _Larger:
            _say(proto, 411, f"Say the length of a body of more than {WHOLE // 1024} KiB.")
        except TimeoutError:
            _say(proto, 408, LATE)
        except ProtocolClosed:
            logger.debug("a client left before its body had come")
        else:
            await self._work(environ, proto, self._threads)

    async def _read_along(self, environ: dict[str, Any], length: int, proto: Any) -> None:
        """Let a thread read the body as it comes."""
        of_all = self._seconds + length / SLOWEST
        source = Incoming(proto, environ, self._slow, of_a_piece=self._seconds, of_all=of_all)
        environ["wsgi.input"] = io.BufferedReader(source, PIECE)
        try:
            await self._work(environ, proto, self._patient, source)
        finally:
            source.end()

    async def _work(
        self, environ: dict[str, Any], proto: Any, threads: _Threads, source: Incoming | None = None
    ) -> None:
        """Have a request worked on and its answer sent."""

        def work() -> None:
            started = _Started()
            answer = self._handler(environ, started)
            if source is not None and source.refusal:
                _say_refused(proto, source.refusal)
            elif isinstance(answer, _File) and answer.path:
                proto.response_file(started.status, started.headers, answer.path)
            else:
                proto.response_bytes(started.status, started.headers, b"".join(answer))
            answer.close()

        await threads.run(work)
        proto = None  # the server ends the connection of a refused body once nobody could read on: see `Incoming.end`


def environ_of(scope: Scope) -> dict[str, Any]:
    """A request as WSGI has it (PEP 3333), without its body. A header whose name has an underscore is left out: it would
    pass for the one with a hyphen, which a proxy may have checked."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": _File,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        text = value.encode().decode("latin-1")
        between = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{between}{text}" if key in environ else text
    return environ


async def _small(environ: dict[str, Any], proto: Any) -> bytes:
    """A body that comes in chunks, without its length; raises _Larger for more than is read before a login."""
    body = bytearray()
    async for piece in proto:
        body += piece
        if len(body) > WHOLE:
            raise _Larger
    environ["CONTENT_LENGTH"] = str(len(body))
    return bytes(body)


async def _nothing() -> bytes:
    return b""


class _Larger(Exception):
    """A body without a length is larger than one that is read before a login."""


class _Started:
    """What an application says first: status and headers."""

    __slots__ = ("headers", "status")
    status: int
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        self.status, self.headers = int(status[:3]), headers


class _File:
    """A file to be sent. One with a path is sent by the server itself, as fast as its client takes it."""

    def __init__(self, file: Any, _size: int = 0) -> None:
        self._file = file
        name = getattr(file, "name", None)
        self.path = str(name) if isinstance(name, (str, Path)) and not file.tell() else ""

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: bytes(self._file.read(PIECE)), b"")

    def close(self) -> None:
        """Close it."""
        self._file.close()


class _Threads:
    """Threads that work on what the event loop gives them."""

    def __init__(self, count: int) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for _ in range(count):
            threading.Thread(target=self._work, daemon=True).start()

    async def run(self, job: Callable[[], T]) -> T:
        """What `job` returns; raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if done.cancelled():  # nobody waits any more
                return
            if error is None:
                done.set_result(cast("T", result))
            else:
                done.set_exception(error)

        def work() -> None:
            if done.cancelled():
                return
            try:
                result, error = job(), None
            except BaseException as failure:  # noqa: BLE001 - the one who waits gets it
                result, error = None, failure
            loop.call_soon_threadsafe(settle, result, error)

        self._jobs.put(work)
        return await done

    def _work(self) -> None:
        while True:
            self._jobs.get()()


def _tell(proto: Any, status: int, content: bytes) -> None:
    proto.response_bytes(status, [("content-type", "application/json"), ("cache-control", "no-store")], content)


def _say_refused(proto: Any, status: int) -> None:
    """Refuse a larger body that was not read to its end."""
    if status == 408:
        _say(proto, status, LATE)
    else:
        _say(proto, status, "Other bodies of this account come slowly; wait for them.", ("retry-after", str(AGAIN)))


def _say(proto: Any, status: int, sentence: str, *more: tuple[str, str]) -> None:
    """Refuse what cannot be read, and the rest of its connection."""
    headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close"), *more]
    proto.response_str(status, headers, sentence)
