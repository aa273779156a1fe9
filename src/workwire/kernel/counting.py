"""Many counts in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from workwire.kernel.statements import carried_out


def counts_of(counted: Sequence[QuerySet[Any]], *, most: int | None = None) -> list[int]:
    """How many rows each query has, of one database and counted up to `most`."""
    parts: list[str] = []
    parameters: list[Any] = []
    for number, rows in enumerate(counted):
        try:
            sql, values = rows.order_by().values("pk")[:most].query.sql_with_params()
        except EmptyResultSet:
            parts.append("0")
            continue
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) counted_{number})")  # noqa: S608  # composed by the ORM
        parameters += values
    with carried_out(f"SELECT {', '.join(parts)}", parameters) as cursor:
        return [int(count) for count in cursor.fetchone()]
