"""The lane that tidies the storage of files, in a thread of its own: it may take long and must hold up no message."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, close_old_connections, connections

from workwire.kernel import clock
from workwire.rooms.files import commands as files

logger = logging.getLogger(__name__)
EVERY = 3600.0  # seconds between sweeps
SOON = 60.0  # seconds until the first one, and after one that failed


class Sweeper:
    """A thread that sweeps until it is stopped."""

    def __init__(self, first_after: float = SOON) -> None:
        self._first_after = first_after
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep now and then."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; a sweep under way is left where it is, the next one goes on from there."""
        self._stopping.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        pause = self._first_after
        while not self._stopping.wait(pause):
            pause = EVERY
            try:
                if gone := files.sweep(clock.now()):
                    logger.info("%s contents that nothing refers to were removed from the storage", gone)
            except (DatabaseError, OSError):
                logger.warning("the storage of files could not be swept; trying again", exc_info=True)
                pause = SOON
            close_old_connections()
        connections.close_all()
