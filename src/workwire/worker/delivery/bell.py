"""Listening for the bell: a thread that wakes the engine when a commit rings (see `workwire.outbox.wake`).

Losing the bell loses nothing but speed: the engine looks by itself every second. A connection that went dead without a
word is noticed, by keep-alives and by asking now and then, and made anew.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from workwire.outbox import wake

logger = logging.getLogger(__name__)
PATIENCE = 0.5
RETRY_AFTER = 2.0
PROBE_AFTER = 15.0  # seconds of silence
OF_DJANGO = ("cursor_factory", "context")  # parameters that only Django's own connections need


class Bell:
    """Calls `on_ring` from a thread of its own each time the bell rings, with whom it is to wake, until `close`."""

    def __init__(self, on_ring: Callable[[str], None]) -> None:
        self._on_ring = on_ring
        self._closing = threading.Event()
        listen = (
            partial(self._hear_notify, connection.get_connection_params())
            if connection.vendor == "postgresql"
            else partial(self._hear_socket, wake.socket_path())
        )
        self._thread = threading.Thread(target=self._run, args=(listen,), name="bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join(timeout=5)

    def _run(self, listen: Callable[[], None]) -> None:
        while not self._closing.is_set():
            try:
                listen()
            except (OSError, psycopg.Error) as error:
                logger.warning("the wake-up bell is not heard (%s); looking once a second instead", error)
                self._closing.wait(RETRY_AFTER)

    def _hear_socket(self, path: Path) -> None:
        """Bind the embedded database's socket; a stale one left by a crash is replaced."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            os.fchmod(ear.fileno(), 0o600)  # before it has a name, so that it never stands open
            ear.bind(str(path))
            path.chmod(0o600)
            ear.settimeout(PATIENCE)
            try:
                while not self._closing.is_set():
                    with contextlib.suppress(TimeoutError):
                        self._on_ring(ear.recv(16).decode())
            finally:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()

    def _hear_notify(self, given: dict[str, Any]) -> None:
        parameters = {key: value for key, value in given.items() if key not in OF_DJANGO}
        with psycopg.connect(**parameters, autocommit=True) as ear:
            ear.execute(f"LISTEN {wake.CHANNEL}")
            self._on_ring(wake.EVERYBODY)  # what was committed before the first LISTEN rang for nobody
            heard = time.monotonic()
            while not self._closing.is_set():
                for rung in ear.notifies(timeout=PATIENCE):
                    self._on_ring(rung.payload)
                    heard = time.monotonic()
                if time.monotonic() - heard > PROBE_AFTER:
                    ear.execute("SELECT 1")  # a server that moved behind a proxy is not missed by keep-alives
                    heard = time.monotonic()
