"""An HTTP proxy on loopback that notes what it is asked for, and looks names up in a table of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class RawProxy:
    """A proxy; use it as a context manager. `names` says where hosts lead, `refuses` is what it answers to CONNECT."""

    def __init__(self, names: Mapping[str, str] | None = None, refuses: bytes = b"") -> None:
        self.names, self.refuses = dict(names or {}), refuses
        self.lines: list[str] = []
        self.heads: list[bytes] = []

    def __enter__(self) -> Self:
        """Listen."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            data = b""
            while b"\r\n\r\n" not in data:
                if not (part := client.recv(65536)):
                    return
                data += part
            head, _, rest = data.partition(b"\r\n\r\n")
            line = head.split(b"\r\n")[0].decode()
            self.lines.append(line)
            self.heads.append(head)
            method, target, _ = line.split(" ")
            if method == "CONNECT" and self.refuses:
                client.sendall(self.refuses)
                return
            place = target if method == "CONNECT" else target.split("/")[2]
            host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "80")
            with socket.create_connection((self.names.get(host, host), int(port)), timeout=5) as server:
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
                    server.sendall(rest)
                else:
                    server.sendall(head + b"\r\n\r\n" + rest)
                back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
                back.start()
                _pipe(client, server)
                back.join(5)


def _pipe(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            to.sendall(part)
        to.shutdown(socket.SHUT_WR)
