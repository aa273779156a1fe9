"""Servers on loopback that say what no HTTP library would, over TCP or TLS, and a transport to send them requests."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from workwire.kernel.addresses import Network
from workwire.worker.delivery.transport import Answer, ChildProcessTransport, Request, ThreadTransport

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Kind = type[ThreadTransport | ChildProcessTransport]
Talk = Callable[[socket.socket], None]


class Server:
    """A raw socket server on loopback; `talk` is what it does with each connection after a request."""

    def __init__(self, talk: Talk, greet: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.talk, self.greet, self.tls, self.connections, self.requests = talk, greet, tls, 0, 0
        self.heads: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(self.greet)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while head := _read_request(connection):
                    self.requests += 1
                    self.heads.append(head)
                    self.talk(connection)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head


class Sender:
    """A transport whose answers are collected."""

    def __init__(self, kind: Kind = ThreadTransport, networks: tuple[Network, ...] = LOOPBACK, **options: Any) -> None:
        self.queue: queue.Queue[Answer] = queue.Queue()
        settings: dict[str, Any] = {"max_in_flight": 64, "max_per_host": 16} | options
        self.transport = kind(
            networks, lambda answers: [self.queue.put(answer) for answer in answers] and None, **settings
        )

    def send(self, *urls: str, total: float = 2.0) -> list[Answer]:
        requests = [
            Request(
                number, url, (("Content-Type", "application/json"),), b"{}", connect_timeout=1.0, total_timeout=total
            )
            for number, url in enumerate(urls)
        ]
        self.transport.submit(requests)
        return sorted((self.queue.get(timeout=total + 5) for _ in urls), key=lambda answer: answer.key)
