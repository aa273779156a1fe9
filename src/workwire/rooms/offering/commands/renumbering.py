"""Rows that are numbered: two that trade places are never at the same one, not even within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import F, Model

from workwire.outbox.changes import RowChange, altered, columns

_AWAY = 10_000  # more than any number there is


def move_away(rows: Sequence[Model], *numbers: str) -> None:
    """Free the numbers of rows of one table, which are saved with other ones, or removed, afterwards."""
    if rows:
        found = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows])
        found.update(**{name: F(name) + _AWAY for name in numbers})


def numbered(rows: Iterable[Any]) -> list[RowChange]:
    """Number rows from 1 in the order given; returns the changes."""
    moved = []
    for number, row in enumerate(rows, start=1):
        if row.number != number:
            moved.append((row, columns(row)))
            row.number = number
    move_away([row for row, _ in moved], "number")
    for row, _ in moved:
        row.save(update_fields=["number"])
    return [change for row, before in moved for change in altered(row, before)]
