"""A local receiver of webhooks: verifies what arrives and keeps it. Used by `webhooks listen` and by the demo."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workwire.reactions.webhooks import signing

LONGEST_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One message; `problem` says why it is not to be trusted, empty when it verified."""

    path: str
    headers: dict[str, str]
    raw: bytes
    body: Any
    problem: str

    @property
    def verified(self) -> bool:
        """Whether the signature and the subscription are right."""
        return not self.problem

    def header(self, name: str) -> str:
        """A header's value, empty when it is absent; names in any case."""
        return self.headers.get(name.lower(), "")


@dataclass
class Receiver:
    """A server on loopback in threads of its own. `secrets` by subscription GUID; under "" one for any subscription.

    `fail_first` answers 500 so often before it answers `status`.
    """

    port: int = 0
    secrets: dict[str, str] = field(default_factory=dict)
    status: int = 204
    fail_first: int = 0
    on_message: Callable[[Received], None] | None = None
    messages: list[Received] = field(default_factory=list)

    def start(self) -> None:
        """Begin to listen; `port` is the one listened on from then."""
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def accept(self, subscription: str, secret: str) -> None:
        """Expect messages of a subscription, signed with this secret."""
        self.secrets[subscription.lower()] = secret

    def take(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        """Judge and keep one message; returns the status to answer."""
        try:
            body = json.loads(raw)
        except ValueError:
            return 400
        message = Received(path, headers, raw, body, self._problem(headers, raw))
        with self._lock:
            self.messages.append(message)
            failing = self.fail_first > 0
            self.fail_first -= failing
        if self.on_message is not None:
            self.on_message(message)
        if not message.verified:
            return 401
        return 500 if failing else self.status

    def _problem(self, headers: dict[str, str], raw: bytes) -> str:
        if not self.secrets:
            return ""
        subscription = headers.get("webhook-subscription", "").lower()
        secret = self.secrets.get(subscription) or self.secrets.get("")
        if secret is None:
            return f"subscription {subscription or 'missing'} is not expected here"
        try:
            signing.verify([secret], headers, raw)
        except signing.SignatureInvalid as error:
            return str(error)
        return ""


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # a burst of connections must not wait for the system's retransmissions


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LONGEST_BODY:
                self._answer(413 if length.isdecimal() else 411)
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(receiver.take(self.path, headers, self.rfile.read(int(length))))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """The caller prints what it wants to."""

    return Handler
