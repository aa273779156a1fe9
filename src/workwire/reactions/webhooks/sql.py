"""Statements of the hot path that are written by hand, and their values.

Composing a query set takes longer than carrying the query out; those too long to write are kept by
`kernel.composed_queries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import connection

from workwire.kernel.statements import any_of as any_of
from workwire.kernel.statements import carried_out
from workwire.kernel.statements import is_away as is_away
from workwire.kernel.statements import listed as listed


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Carry out a statement that gives rows."""
    with carried_out(sql, parameters) as cursor:
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(sql: str, *parameters: Any) -> int:
    """Carry out a statement; how many rows it touched."""
    with carried_out(sql, parameters) as cursor:
        return int(cursor.rowcount)


def moment(at: datetime) -> Any:
    """A moment as a parameter."""
    return at if on_postgresql() else _moment_text(at)


@lru_cache(maxsize=256)
def _moment_text(at: datetime) -> str:
    """A moment as Django writes it on SQLite. Kept, for a batch has many rows of one moment."""
    return str(connection.ops.adapt_datetimefield_value(at))


def guid(value: UUID) -> Any:
    """A GUID as a parameter."""
    return value if on_postgresql() else value.hex


def read_guid(value: Any) -> Any:
    """A GUID from a row; None where there is none."""
    return UUID(value) if isinstance(value, str) else value


def guid_bytes(value: UUID | str) -> bytes:
    """The bytes of a GUID from a row; making a UUID of it first would take ten times as long."""
    return bytes.fromhex(value) if isinstance(value, str) else value.bytes


def read_moment(value: Any) -> datetime:
    """A moment from a row."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def insert(table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """Append many rows, in the quickest way a database has. Values are as `moment` and `guid` give them."""
    names = ", ".join(columns)
    if not on_postgresql():
        marks = ", ".join("%s" for _ in columns)
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values))
        return
    with connection.wrap_database_errors:
        connection.ensure_connection()
        with (
            psycopg.Cursor(connection.connection) as server,
            server.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in values:
                copy.write_row(row)


def as_json(value: Any) -> str:
    """A JSON text as a parameter."""
    return orjson.dumps(value).decode()


@cache
def on_postgresql() -> bool:
    """Whether the database is PostgreSQL."""
    return connection.vendor == "postgresql"


def is_alone(lock: int, *, unsynced: bool = False) -> bool:
    """Whether this transaction may do, until its end, what only one at a time may do; an `unsynced` one then commits without
    waiting for the disk of PostgreSQL."""
    if not on_postgresql():
        return True  # the transaction holds the database's only write lock
    more = ", set_config('synchronous_commit', 'off', true)" if unsynced else ""
    return bool(rows(f"SELECT pg_try_advisory_xact_lock(%s){more}", lock)[0][0])


def wait_to_be_alone(lock: int) -> None:
    """The same, waiting until nobody else is under way."""
    if on_postgresql():
        rows("SELECT pg_advisory_xact_lock(%s)", lock)
