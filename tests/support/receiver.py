"""A real HTTP receiver on loopback for tests: records every request, answers as scripted. Independent of the product."""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook

LOOK_EVERY = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: headers in order with duplicates, the raw body, the moment of arrival."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def verify(self, secret: str) -> Any:
        """The body as JSON, if the secret signed it; raises standardwebhooks.WebhookVerificationError."""
        return Webhook(secret).verify(self.body, {name.lower(): value for name, value in self.headers})


@dataclass(slots=True)
class Script:
    """How a path answers; `times` answers so often, then 204 again (None: always).

    `stall` is seconds before the answer, unless the client goes away meanwhile; `drip` seconds between the bytes of its body;
    `cut` hangs up after so many bytes of the body, `hang_up` before the answer.
    """

    status: int = 204
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    times: int | None = None
    stall: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    hang_up: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """How a request was answered (0: not at all), though perhaps not to the end, and when that was over."""

    request: Received
    status: int
    at: float


@dataclass
class Receiver:
    """A server in threads; use it as a context manager. `host` is the address it listens on."""

    requests: list[Received] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)
    host: str = "127.0.0.1"

    def __enter__(self) -> Self:
        """Start serving on a free port."""
        self._arrival, self.closing = threading.Condition(), threading.Event()
        self._server = _Server((self.host, 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, whatever is being answered slowly."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str = "/") -> str:
        """The URL of a path."""
        return f"http://{self.host}:{self.port}{path}"

    def script(self, path: str, **how: Any) -> None:
        """Let a path answer as a `Script` says."""
        self.scripts[path] = Script(**how)

    def wait_for(self, wanted: int | Callable[[list[Received]], bool], timeout: float = 10.0) -> list[Received]:
        """Wait until so many requests came, or until a condition on them holds; raises TimeoutError."""
        holds = wanted if callable(wanted) else lambda requests: len(requests) >= wanted
        with self._arrival:
            if not self._arrival.wait_for(lambda: holds(self.requests), timeout):
                raise TimeoutError(f"only {len(self.requests)} requests came")
        return list(self.requests)

    def take(self, request: Received) -> Script:
        with self._arrival:
            self.requests.append(request)
            script = self.scripts.get(request.path, Script())
            if script.times is not None:
                script.times -= 1
                if script.times < 0:
                    script = Script()
            self._arrival.notify_all()
        return script


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # a burst of connections must not wait for the system's retransmissions

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away before its answer was whole; that is part of the tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Received(self.command, self.path, list(self.headers.items()), body, time.monotonic())
            script, status = receiver.take(request), 0
            try:
                if _stays(self.connection, script.stall, receiver.closing) and not script.hang_up:
                    self._begin_answer(script)
                    status = script.status
                    self._send_body(script)
            finally:  # who went away before it began was not answered
                receiver.answered.append(Answered(request, status, time.monotonic()))
            if not status or script.cut is not None:
                self.close_connection = True

        # every method is recorded, so that a redirect which is followed after all is seen
        do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the server's names

        def _begin_answer(self, script: Script) -> None:
            self.send_response(script.status)
            for name, value in script.headers:
                self.send_header(name, value)
            if script.status != 204:
                self.send_header("Content-Length", str(len(script.body)))
            self.end_headers()

        def _send_body(self, script: Script) -> None:
            body = script.body[: script.cut]
            size = 1 if script.drip else len(body) or 1
            for start in range(0, len(body), size):
                self.wfile.write(body[start : start + size])
                receiver.closing.wait(script.drip)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _stays(connection: socket.socket, seconds: float, closing: threading.Event) -> bool:
    """Wait so long for nothing; whether the client is still there, said at once when it goes."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not closing.is_set():
        if not select.select([connection], [], [], min(left, LOOK_EVERY))[0]:
            continue
        if not connection.recv(1, socket.MSG_PEEK):
            return False
        closing.wait(LOOK_EVERY)  # it has sent more already
    return True
