"""Statements of the hot path: written by hand, or kept from a query set once composed, and bound by the server.

Composing a query set takes longer than carrying the query out, and a thousand ids as one parameter are cheaper than a
thousand parameters. The two databases differ in how a list arrives as a parameter: an array, or a JSON text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import connection
from django.db.models import QuerySet

from workwire.kernel.statements import carried_out
from workwire.kernel.statements import is_away as is_away

_MARK_ID, _MARK_MOMENT = -7_301_002, datetime(9000, 1, 1, tzinfo=UTC)


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Carry out a statement that gives rows."""
    with carried_out(sql, parameters) as cursor:
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(sql: str, *parameters: Any) -> int:
    """Carry out a statement; how many rows it touched."""
    with carried_out(sql, parameters) as cursor:
        return int(cursor.rowcount)


def any_of(column: str) -> str:
    """The condition that a column is among the numbers of one parameter, which `numbers` makes."""
    return f"{column} = ANY(%s)" if on_postgresql() else f"{column} IN (SELECT value FROM json_each(%s))"


def numbers(values: Iterable[int]) -> Any:
    """Whole numbers as one parameter."""
    return list(values) if on_postgresql() else as_json(list(values))


def texts(values: Iterable[str]) -> Any:
    """Texts as one parameter."""
    return list(values) if on_postgresql() else as_json(list(values))


def moment(at: datetime) -> Any:
    """A moment as a parameter."""
    return at if on_postgresql() else _moment_text(at)


@lru_cache(maxsize=256)
def _moment_text(at: datetime) -> str:
    """A moment as Django writes it on SQLite. ComposedQuery, for a batch has many rows of one moment."""
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
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


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


class ComposedQuery:
    """A query set whose SQL is composed once for each kind of database and then only filled in.

    `build` gets the condition on the ids and a moment, and gives the query set; `column` is the quoted column of the ids.
    """

    def __init__(self, build: Callable[[list[int], datetime], QuerySet[Any, Any]], column: str) -> None:
        self._build, self._column = build, column
        self._composed: dict[str, tuple[str, tuple[Any, ...], Any, Any]] = {}

    def rows(self, ids: Collection[int], at: datetime) -> list[tuple[Any, ...]]:
        """The rows for these ids at this moment, with values as the database's driver gives them."""
        sql, parameters, *_ = self._ready()
        return rows(sql, *(self._filled(parameter, ids, at) for parameter in parameters))

    def converted(self, ids: Collection[int], at: datetime) -> Iterable[Sequence[Any]]:
        """The same rows, with values as models have them."""
        *_, compiler, converters = self._ready()
        found: Iterable[Sequence[Any]] = compiler.apply_converters(self.rows(ids, at), converters)
        return found

    def _ready(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        if connection.vendor not in self._composed:
            self._composed[connection.vendor] = self._compose()
        return self._composed[connection.vendor]

    def _compose(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        compiler = self._build([_MARK_ID], _MARK_MOMENT).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        if sql.count(f"{self._column} IN (%s)") != 1:
            raise LookupError("the query has another form than expected")
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        return sql.replace(f"{self._column} IN (%s)", any_of(self._column)), tuple(parameters), compiler, converters

    def _filled(self, parameter: Any, ids: Collection[int], at: datetime) -> Any:
        if parameter == _MARK_ID and not isinstance(parameter, bool):
            return numbers(ids)
        return moment(at) if parameter == moment(_MARK_MOMENT) else parameter
