"""How a process ends: when a signal asks it to, and by itself when it is left alone.

A signal handler runs in the middle of whatever the main thread does, even of another handler, so it may take no lock. The lock
of `threading.Event` is not re-entrant: a handler that sets one can wait for ever for the thread it interrupted.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SUPERVISOR = "SUPERVISOR_PID"  # variable in which a supervisor tells its children who started them
LOOK_EVERY = 2.0  # seconds


class Mark:
    """An event that a signal handler may set: like `threading.Event`, without a lock. One thread waits and clears."""

    def __init__(self) -> None:
        self._is_set = False
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)

    def set(self) -> None:
        """Set it; from any thread, and from a signal handler."""
        if not self._is_set:
            self._is_set = True
            self._ring()

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._is_set

    def clear(self) -> None:
        """Take it back; what is set meanwhile stays set."""
        self._is_set = False
        with contextlib.suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass
        if self._is_set:
            self._ring()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set or so many seconds are over; returns whether it is set."""
        if not self._is_set:
            select.select([self._ear], [], [], timeout)
        return self._is_set

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full bell rings already
            self._bell.send(b"!")


def set_on_signals(mark: Mark) -> None:
    """Let SIGTERM and SIGINT set a mark, from now until the process ends. In the main thread only."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: mark.set())


@dataclass(frozen=True, slots=True)
class Ties:
    """What a process needs to be of any use: the supervisor that started it, if one did, and folders and files.

    A file is the one that was there at the start: another one of the same name is not it. A folder only has to be there.
    """

    supervisor: int | None
    paths: tuple[tuple[Path, tuple[int, int] | None], ...]

    @classmethod
    def of_this_process(cls, paths: Iterable[Path]) -> Ties:
        """Look around, once, at the start. Paths that are not there now are not missed later."""
        told = os.environ.pop(SUPERVISOR, "")  # its children have another parent
        found = tuple((path, _identity(path)) for path in paths if path.exists())
        return cls(int(told) if told.isdecimal() else None, found)

    def broken(self) -> str:
        """A sentence that says what is gone; empty while everything is there."""
        if self.supervisor is not None and os.getppid() != self.supervisor:
            return "The supervisor of this process is gone."
        for path, identity in self.paths:
            try:
                if _identity(path) != identity:
                    return f"{path} is not the file it was at the start."
            except FileNotFoundError:
                return f"{path} is gone."
            except OSError:  # unreachable for now, or forbidden: that is not gone
                continue
        return ""

    def watch(self, on_broken: Callable[[str], None]) -> None:
        """Look now and then, in a thread, and say once what is gone. It has to be seen twice: a file that is put in its place
        by renaming is not gone."""
        threading.Thread(target=self._watch, args=(on_broken,), name="ties", daemon=True).start()

    def _watch(self, on_broken: Callable[[str], None]) -> None:
        suspicion = ""
        while True:
            time.sleep(LOOK_EVERY)
            before, suspicion = suspicion, self.broken()
            if suspicion and suspicion == before:
                on_broken(suspicion)
                return


def _identity(path: Path) -> tuple[int, int] | None:
    found = path.stat()
    return None if path.is_dir() else (found.st_dev, found.st_ino)
