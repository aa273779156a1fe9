"""A receiver of webhooks that believes only what is signed: Standard Webhooks with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE = 300  # seconds between the sender's clock and ours


@dataclass(frozen=True)
class Message:
    """One message whose signature is right; its `id` is the same when it comes again, `subscription` is a GUID."""

    id: str
    subscription: str
    is_test: bool
    body: dict[str, Any]


def new_secret() -> str:
    """A secret of one's own, to subscribe with."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def is_signed(secret: str, headers: Any, body: bytes) -> bool:
    """Whether one of the signatures is made of these bytes with this secret, within the last five minutes."""
    moment = headers.get("Webhook-Timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE:
        return False
    signed = f"{headers.get('Webhook-Id', '')}.{moment}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(right, one) for one in headers.get("Webhook-Signature", "").split())


@contextmanager
def listening(secret: str, take: Callable[[Message], None]) -> Iterator[str]:
    """Receive at PORT (9000) while the block runs; gives the URL to subscribe with, which RECEIVER may name.

    A message is taken when `take` returns; when it raises, the sender is told so and sends the message again.
    """
    port = int(os.environ.get("PORT", "9000"))
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(secret, take))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield os.environ.get("RECEIVER", f"http://127.0.0.1:{port}/")
    finally:
        server.shutdown()
        server.server_close()


def until_stopped() -> None:
    """Say that all is ready, and wait for Ctrl-C or a polite end of the process."""
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    print("ready", flush=True)
    stop.wait()


def _handler(secret: str, take: Callable[[Message], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Verify the bytes as they came, and only then look into them."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(self._status(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _status(self, body: bytes) -> int:
            if not is_signed(secret, self.headers, body):
                return 401
            said = self.headers
            message = Message(
                said["Webhook-Id"], said["Webhook-Subscription"], said["Webhook-Test"] == "true", json.loads(body)
            )
            try:
                take(message)
            except Exception as error:  # noqa: BLE001 - whatever it was, the message was not taken
                print(f"not taken: {error}", flush=True)
                return 503
            return 200

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
