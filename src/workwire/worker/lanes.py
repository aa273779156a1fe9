"""Lanes beside the engine: work that may take long and must hold up no message.

Each has a thread and a database connection of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error, close_old_connections, connections

logger = logging.getLogger(__name__)
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds after a failure
PATIENCE = 25.0  # seconds that work under way gets to end


class Lane:
    """A thread that works until it is stopped. `work` does a small piece and returns in how many seconds there may be more.

    Whatever fails is tried again, with growing pauses, which `wake` does not cut short.
    """

    def __init__(self, name: str, work: Callable[[], float], *, first_after: float = 0.0) -> None:
        self._name, self._work, self._first_after = name, work, first_after
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be more now; from any thread."""
        self._woken.set()

    def ask_to_stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        self._woken.set()

    def join(self, patience: float = PATIENCE) -> None:
        """Wait until the piece under way has ended, at most so many seconds."""
        self.ask_to_stop()
        self._thread.join(patience)

    def _run(self) -> None:
        pause, after_failure, awaited = self._first_after, SHORTEST_PAUSE, self._woken
        while True:
            awaited.wait(pause)
            self._woken.clear()
            if self._stopping.is_set():
                break
            try:
                pause, awaited = self._work(), self._woken
                after_failure = SHORTEST_PAUSE
            except Exception as error:  # whatever it was, this thread must not end
                expected = isinstance(error, (Error, OSError))
                message = "%s cannot work (%s); trying again in %.0f s"
                logger.warning(message, self._name, error, after_failure, exc_info=not expected)
                awaited = self._stopping
                pause, after_failure = after_failure, min(after_failure * 2, LONGEST_PAUSE)
                close_old_connections()
        connections.close_all()
