"""A proxy between a worker and PostgreSQL that can cut what runs through it and refuse what comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit


@contextlib.contextmanager
def proxied(url: str, folder: Path) -> Iterator[tuple[Proxy, str]]:
    """A proxy, listening in a folder, to the server of a database URL that names a Unix socket; and the URL through it."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    target = Path(options["host"]) / f".s.PGSQL.{parts.port or options.get('port', 5432)}"
    with Proxy(folder, target) as proxy:
        yield proxy, parts._replace(query=urlencode(options | {"host": str(folder)})).geturl()


class Proxy:
    """Listens as PostgreSQL would, on a Unix socket in a folder, and passes on to the real one."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder, self._target = folder, target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._refusing = False

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / self._target.name))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        """Break all connections, and refuse new ones until `mend`."""
        with self._lock:
            self._refusing = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        """Pass on again."""
        self._refusing = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            with self._lock:
                try:
                    if self._refusing:
                        raise ConnectionRefusedError
                    far.connect(str(self._target))
                except OSError:
                    near.close()
                    far.close()
                    continue
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
