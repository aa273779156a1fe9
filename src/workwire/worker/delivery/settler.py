"""Settling in a thread with a database connection of its own, beside the engine's, where the database serves both at once.

What the database could not take is kept and tried again with growing pauses; a crash meanwhile loses nothing, for the
leases run out.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection

from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.settling import Outcome

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 10.0


class Settler:
    """Settles what is put, in order; `settle` is called in its thread, and `on_settled` whenever places have become free."""

    def __init__(
        self, settle: Callable[[Sequence[Outcome], datetime], None], on_settled: Callable[[], None] = lambda: None
    ) -> None:
        self._settle, self._on_settled = settle, on_settled
        self._batches: queue.SimpleQueue[tuple[Sequence[Outcome], datetime] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self.waiting = 0  # outcomes put and not settled yet
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="settler", daemon=True)
        self._thread.start()

    def put(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Have outcomes settled as of a moment."""
        with self._lock:
            self.waiting += len(outcomes)
        self._batches.put((outcomes, now))

    def close(self, timeout: float) -> None:
        """Settle what was put, within so many seconds, and end."""
        self._batches.put(None)
        self._thread.join(timeout)
        self._closing.set()
        self._thread.join(1)

    def _run(self) -> None:
        try:
            while (batch := self._batches.get()) is not None:
                self._settle_at_last(*batch)
                with self._lock:
                    self.waiting -= len(batch[0])
                self._on_settled()
        finally:
            connection.close()

    def _settle_at_last(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        pause = 0.1
        while not self._closing.is_set():
            try:
                self._settle(outcomes, now)
                return
            except Exception as error:  # this thread must not end: the engine would wait for it for ever
                message = "attempts could not be settled (%s); trying again in %.1f s"
                logger.warning(message, error, pause, exc_info=not sql.is_away(error))
                connection.close()
                self._closing.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
