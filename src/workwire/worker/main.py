"""The worker process: an engine and lanes in threads, a main thread that waits for the end, and on the embedded database a
lock so that there is only one.

It ends when a signal asks it to, and by itself when its supervisor or its data is gone.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from workwire.jobs import timers
from workwire.kernel import clock, collector, table_sizes
from workwire.kernel.stopping import Mark, Ties, set_on_signals
from workwire.kernel.wording import ENGLISH
from workwire.outbox import restores
from workwire.outbox.listeners import listeners
from workwire.reactions.webhooks import queue
from workwire.worker import due_dates, feed_reading
from workwire.worker.delivery.engine import Engine
from workwire.worker.job_lanes import job_lanes
from workwire.worker.lanes import Lane

TIMERS_EVERY = 2.0  # seconds
CLEAN_AFTER, CLEAN_EVERY = 50_000, 2.0  # deliveries ended, and seconds
HELD_POLL, SAY_HELD_EVERY = 1.0, 600.0  # seconds
PATIENCE = 27.0  # seconds in all to end; a supervisor kills after 30

logger = logging.getLogger(__name__)


class AnotherWorker(Exception):
    """The embedded database has a worker already."""


class LeftAlone(Exception):
    """The supervisor of this worker or its data is gone."""


def main() -> None:
    """Work until SIGTERM or SIGINT, then drain. Raises AnotherWorker on an embedded database that has one, and LeftAlone after
    draining because there is nobody and nothing left to work for."""
    gone: list[str] = []
    stopping = Mark()

    def end_alone(reason: str) -> None:
        gone.append(reason)
        stopping.set()

    Ties.of_this_process(settings.CONFIG.data_paths).watch(end_alone)
    set_on_signals(stopping)
    with _alone():
        if not wait_until_sending_is_free(stopping):
            if gone:
                raise LeftAlone(gone[0])
            return
        engine = Engine()
        lanes = _lanes(engine)
        for lane in lanes:
            lane.start()
        collector.spare()
        working = _Working(engine, stopping.set)
        working.start()
        stopping.wait()
        for lane in lanes:
            lane.ask_to_stop()
        engine.stop()
        until = time.monotonic() + PATIENCE
        for wait_for in (working.join, *(lane.join for lane in lanes)):
            wait_for(max(0.1, until - time.monotonic()))
    if working.failure is not None:
        raise working.failure
    if gone:
        raise LeftAlone(gone[0])


def wait_until_sending_is_free(stopping: Mark) -> bool:
    """Wait while sending is held, and say why; False when this worker is to stop first."""
    said_at = -SAY_HELD_EVERY
    while True:
        try:
            reason, pause = restores.look_at_place(), HELD_POLL
            sentence = f"nothing is sent: {restores.explained(reason, ENGLISH)}" if reason else ""
        except DatabaseError as error:
            reason, pause, sentence = "away", HELD_POLL, f"the database does not answer: {error}"
        finally:
            connection.close()
        if not reason:
            return True
        if time.monotonic() - said_at >= SAY_HELD_EVERY:
            logger.warning(sentence)
            said_at = time.monotonic()
        if stopping.wait(pause):
            return False


class _Working(threading.Thread):
    """The thread of the engine; keeps what ended it."""

    def __init__(self, engine: Engine, on_end: Callable[[], None]) -> None:
        super().__init__(name="engine", daemon=True)
        self._engine, self._on_end = engine, on_end
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Let the engine run."""
        try:
            self._engine.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error
        finally:
            connection.close()
            self._on_end()


def _lanes(engine: Engine) -> list[Lane]:
    lanes = [
        Lane("timers", Timing().turn),
        Lane("due dates", due_dates.turn),
        *job_lanes(),
    ]
    if connection.vendor == "postgresql":
        lanes.append(Lane("cleaning", Cleaning(engine).turn))
    return [*lanes, *_of_listeners(engine)]


def _of_listeners(engine: Engine) -> list[Lane]:
    """A lane for each listener; the bell wakes it."""
    lanes = [Lane(f"feed of {one.name}", partial(feed_reading.turn, one)) for one in listeners()]
    engine.wakes += [lane.wake for lane in lanes]
    return lanes


class Timing:
    """Moves what time alone moves; looks first for timers that are missing."""

    def __init__(self) -> None:
        self._is_complete = False

    def turn(self) -> float:
        """Carry out a batch of timers; seconds until the next look."""
        if not self._is_complete:
            if made := timers.complete():
                logger.info("%d timers of an older release were set", made)
            self._is_complete = True
        return 0.0 if timers.turn(clock.now()) else TIMERS_EVERY


class Cleaning:
    """Cleans the queue whenever enough has left it, and has tables counted anew that have grown much."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cleaned = engine, 0

    def turn(self) -> float:
        """Look whether it is time; seconds until the next look."""
        ended = self._engine.ended
        if ended - self._cleaned >= CLEAN_AFTER:
            queue.clean()
            self._cleaned = ended
        table_sizes.learn()
        return CLEAN_EVERY


def is_served() -> bool:
    """Whether the embedded database has a worker; never so for PostgreSQL, where many may work."""
    if connection.vendor == "postgresql" or not _lock_file().exists():
        return False
    with _lock_file().open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_file() -> Path:
    return Path(str(connection.settings_dict["NAME"])).with_suffix(".worker")


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the embedded database's worker lock; the system lets go of it when the process ends, however it ends."""
    if connection.vendor == "postgresql":
        yield
        return
    path = _lock_file()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise AnotherWorker("A worker serves this embedded database already.") from error
    finally:
        os.close(handle)
