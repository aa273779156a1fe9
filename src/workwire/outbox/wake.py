"""The bell: tells workers after a commit that there is something to do.

Only a hint: nothing depends on it but speed. PostgreSQL carries it as NOTIFY to every host; the embedded database is
used on one host, where a datagram to a Unix socket does. A slow poll behind it finds what a lost hint left.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from django.db import Error, connection, transaction

from workwire.kernel.statements import carried_out

CHANNEL = "workwire_wake"
ENGINE, EVERYBODY = "", "all"  # who is to wake: the engine, or the lanes of listeners as well
_gathering = threading.local()


def ring_on_commit(whom: str = ENGINE) -> None:
    """Ring once after the running transaction has committed, however often this is called in it."""
    ringing = ring_for_everybody if whom == EVERYBODY else ring
    if not any(entry[1] is ringing for entry in connection.run_on_commit):
        transaction.on_commit(ringing, robust=True)


def ring_for_everybody() -> None:
    """Ring now, for the lanes of listeners as well."""
    ring(EVERYBODY)


@contextlib.contextmanager
def gathered() -> Iterator[None]:
    """Ring once at the end for all that rings meanwhile in this thread; a bell that cannot be rung is no error."""
    _gathering.whom = set[str]()
    try:
        yield
    finally:
        whom, _gathering.whom = _gathering.whom, None
        if whom:
            with contextlib.suppress(Error):
                ring(EVERYBODY if EVERYBODY in whom else ENGINE)


def ring(whom: str = ENGINE) -> None:
    """Ring now. A bell nobody hears is no error."""
    if (gathering := getattr(_gathering, "whom", None)) is not None:
        gathering.add(whom)
    else:
        _send(whom)


def _send(whom: str) -> None:
    if connection.vendor == "postgresql":
        with carried_out("SELECT pg_notify(%s, %s)", [CHANNEL, whom]):
            return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)
        bell.sendto(whom.encode() or b"!", str(socket_path()))


def socket_path() -> Path:
    """Where the embedded database's worker listens: beside the database, or in the temporary folder when that
    path is longer than a socket's may be."""
    database = Path(str(connection.settings_dict["NAME"])).absolute()
    beside = database.with_suffix(".wake")
    if len(os.fsencode(beside)) <= 100:
        return beside
    name = hashlib.sha256(os.fsencode(database)).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"workwire-{name}.wake"
