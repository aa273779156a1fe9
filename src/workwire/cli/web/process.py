"""The web application as `workwire web` runs it: in worker processes that end when their server does, however that ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from workwire import config, wsgi
from workwire.cli.web.door import Door
from workwire.kernel import collector

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def end_with_parent() -> None:
    """Ask the system to end this process when the one that started it is gone; Linux only."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone before we asked
        os.kill(os.getpid(), signal.SIGTERM)


class _Ending:
    """Closes a connection when the thread that holds this ends: Django's own stands in a ring of references, where only the
    collector would find it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # it may be closed already, or gone with its server
            self._connection.close()


_of_thread = threading.local()


def close_with_thread(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Called for every new connection."""
    _of_thread.ending = _Ending(connection.connection)


connection_created.connect(close_with_thread)
end_with_parent()
collector.spare()
_settings = config.load()
application = Door(wsgi.application, threads=_settings.web_threads, seconds=_settings.client_seconds)
