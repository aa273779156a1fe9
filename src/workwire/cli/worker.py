"""The web application as `workwire web` runs it: in worker processes that end when their server does, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from workwire.wsgi import application as application

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def end_with_parent() -> None:
    """Ask the system to end this process when the one that started it is gone; Linux only."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone before we asked
        os.kill(os.getpid(), signal.SIGTERM)


end_with_parent()
