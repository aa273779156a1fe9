"""The dispatcher process: an engine, two signals, and on the embedded database a lock so that there is only one."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from workwire.dispatcher.engine import Engine
from workwire.dispatcher.post import Post
from workwire.dispatcher.sweeper import Sweeper


class AnotherDispatcher(Exception):
    """The embedded database has a dispatcher already."""


def main() -> None:
    """Dispatch until SIGTERM or SIGINT, then drain; raises AnotherDispatcher on an embedded database that has one."""
    with _alone():
        engine = Engine()
        lanes: list[Sweeper | Post] = [Sweeper(), Post()] if settings.CONFIG.smtp_url else [Sweeper()]
        signal.signal(signal.SIGTERM, lambda *_: engine.stop())
        signal.signal(signal.SIGINT, lambda *_: engine.stop())
        for lane in lanes:
            lane.start()
        try:
            engine.run()
        finally:
            for lane in lanes:
                lane.stop()


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
