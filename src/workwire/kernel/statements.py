"""Statements whose parameters the server binds and whose plan PostgreSQL keeps, where the session is ours.

Django binds on the client and has every statement planned anew, which for a query of twenty joins takes far longer than to
carry it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection


@contextmanager
def carried_out(sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
    """A cursor that has carried out a statement."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            yield cursor
        return
    with connection.wrap_database_errors:
        connection.ensure_connection()
        server, kept = connection.connection, not settings.CONFIG.database_pooled
        server.prepare_threshold = 0 if kept else None  # Django's own cursors bind on the client and are not concerned
        if connection.queries_logged:
            connection.queries_log.append({"sql": sql, "time": "0.000"})  # so that budgets of queries count them
        with psycopg.Cursor(server) as cursor:
            try:
                cursor.execute(sql, parameters, prepare=kept)
            except psycopg.errors.FeatureNotSupported:  # a migration changed a column: the plan kept here is of no use
                connection.close()
                raise
            yield cursor
