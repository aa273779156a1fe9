"""The dispatcher process: an engine, two signals, and on the embedded database a lock so that there is only one."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from workwire.dispatcher import post
from workwire.dispatcher.beside import Beside
from workwire.dispatcher.engine import Engine
from workwire.kernel import clock, collector
from workwire.reactions.webhooks import replays, retention
from workwire.rooms.files import commands as files

SWEEP_FILES_EVERY = 3600.0  # seconds
SOON = 60.0  # seconds until work that has time begins

logger = logging.getLogger(__name__)


class AnotherDispatcher(Exception):
    """The embedded database has a dispatcher already."""


def main() -> None:
    """Dispatch until SIGTERM or SIGINT, then drain; raises AnotherDispatcher on an embedded database that has one."""
    with _alone():
        engine = Engine()
        lanes = _lanes()
        signal.signal(signal.SIGTERM, lambda *_: engine.stop())
        signal.signal(signal.SIGINT, lambda *_: engine.stop())
        for lane in lanes:
            lane.start()
        collector.spare()
        try:
            engine.run()
        finally:
            for lane in lanes:
                lane.stop()


def _lanes() -> list[Beside]:
    lanes = [
        Beside("replays", lambda: replays.turn(clock.now())),
        Beside("retention", lambda: retention.turn(clock.now()), first_after=SOON),
        Beside("files", _sweep_files, first_after=SOON),
    ]
    return [*lanes, Beside("post", lambda: 0.0 if post.turn() else post.POLL)] if settings.CONFIG.smtp_url else lanes


def _sweep_files() -> float:
    if gone := files.sweep(clock.now()):
        logger.info("%s contents that nothing refers to were removed from the storage", gone)
    return SWEEP_FILES_EVERY


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the embedded database's dispatcher lock; the system lets go of it when the process ends, however it ends."""
    if connection.vendor == "postgresql":
        yield
        return
    path = Path(str(connection.settings_dict["NAME"])).with_suffix(".dispatcher")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise AnotherDispatcher("A dispatcher works on this embedded database already.") from error
    finally:
        os.close(handle)
