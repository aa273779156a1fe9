"""The database's time: on PostgreSQL every process of an installation goes by the clock of the one server they share.

Learned with every new connection, and by the worker every few seconds besides; between that it is counted on (see
`workwire.kernel.clock`). The embedded database has no clock of its own and is used on one host.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from workwire.kernel import clock

LOOKS = 3
SHORT = 0.01  # seconds; an answer as quick as this is exact enough


def learn() -> None:
    """Ask the database what time it is and go by it; raises django.db.DatabaseError when it does not answer."""
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        _learn(connection)


def learn_if_there() -> None:
    """Ask at the start of a process; a database that is away is learned from as soon as it answers."""
    try:
        learn()
    except DatabaseError:
        return
    finally:
        connection.close()


def on_connection(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Called for every new connection."""
    if connection.vendor == "postgresql":
        _learn(connection)


def _learn(database: BaseDatabaseWrapper) -> None:
    """The quickest of a few answers counts: its moment lies between asking and hearing, so it is off by half of that."""
    best: tuple[float, datetime, float] | None = None
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        for _ in range(LOOKS):
            asked = clock.count()
            row = cursor.execute("SELECT clock_timestamp()").fetchone()
            heard = clock.count()
            if row is not None and (best is None or heard - asked < best[0]):
                best = heard - asked, row[0], (asked + heard) / 2
            if heard - asked <= SHORT:
                break
    if best is not None:
        _, moment, counted = best
        clock.follow(moment, counted)
