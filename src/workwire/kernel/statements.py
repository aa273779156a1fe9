"""Statements whose parameters the server binds and whose plan PostgreSQL keeps, where the session is ours.

Django binds on the client and has every statement planned anew, which for a query of twenty joins takes far longer than to
carry it out. A thousand ids as one parameter are cheaper than a thousand parameters: an array, or a JSON text on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DataError, Error, IntegrityError, connection, connections


@contextmanager
def carried_out(sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
    """A cursor that has carried out a statement."""
    database = own_connection()
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            yield cursor
        return
    with database.wrap_database_errors:
        try:
            answer = _execute(database, sql, parameters)
        except psycopg.OperationalError:
            if not (_begins_unchecked(database) and sql.startswith("SELECT")):
                raise
            database.close()  # the server was restarted since the last request, say: this one does not pay for it
            answer = _execute(database, sql, parameters)
        except psycopg.errors.FeatureNotSupported:  # a migration changed a column: the plan kept here is of no use
            database.close()
            raise
        database.health_check_done = True
        with answer:
            yield answer


def own_connection() -> Any:
    """This thread's connection itself: `django.db.connection` looks it up anew for every attribute, which a statement on the
    way of a message reads by the dozen. The stubs of Django do not know of its health checks."""
    return connections[DEFAULT_DB_ALIAS]


def _execute(database: Any, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
    database.ensure_connection()
    server, kept = database.connection, not settings.CONFIG.database_pooled
    server.prepare_threshold = 0 if kept else None  # Django's own cursors bind on the client and are not concerned
    if database.queries_logged:
        database.queries_log.append({"sql": sql, "time": "0.000"})  # so that budgets of queries count them
    cursor = psycopg.Cursor(server)

    def execute(sql: str, parameters: Sequence[Any], _many: bool, _context: dict[str, Any]) -> Any:
        return cursor.execute(sql, parameters, prepare=kept)

    for wrapper in reversed(database.execute_wrappers):
        execute = partial(wrapper, execute)
    execute(sql, parameters, False, {"connection": database, "cursor": cursor})
    return cursor


def _begins_unchecked(database: Any) -> bool:
    """Whether Django would have asked the server first whether it is still there: with the first statement of a request, which
    here is the question itself."""
    return database.health_check_enabled and not database.health_check_done and not database.in_atomic_block


def any_of(column: str) -> str:
    """The condition that a column is among the values of one parameter, which `listed` makes."""
    return column + (" = ANY(%s)" if connection.vendor == "postgresql" else " IN (SELECT value FROM json_each(%s))")


def listed(values: Iterable[Any]) -> Any:
    """Values as one parameter, each as the database's driver takes it."""
    return list(values) if connection.vendor == "postgresql" else orjson.dumps(list(values)).decode()


def is_away(error: Exception) -> bool:
    """Whether an error says that the database cannot work now (gone, full, locked, read-only) rather than that it refuses
    what it was given: then waiting helps."""
    return isinstance(error, Error) and not isinstance(error, (DataError, IntegrityError))
