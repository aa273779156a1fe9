"""What the indexes of both databases do alike to their tables: one for each kind of record, and one of all words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection

from workwire.kernel.statements import any_of, listed
from workwire.reactions.finding.full_text import table_of
from workwire.reactions.finding.models import Kind

_BEHIND_LETTERS = "\U0010ffff"


class IndexTables:
    """A part of `FullText`; `record` is the column with the number of a record."""

    record: str

    def clear(self, kind: Kind) -> None:
        """Remove all documents of a kind."""
        run(f"DELETE FROM {table_of(kind)}")

    def remove(self, kind: Kind, records: Collection[int]) -> None:
        """Remove the documents of records."""
        if records:
            run(f"DELETE FROM {table_of(kind)} WHERE {any_of(self.record)}", listed(records))

    def records_between(self, kind: Kind, after: int, upto: int) -> set[int]:
        """The records that have a document."""
        column = self.record
        found = rows(f"SELECT {column} FROM {table_of(kind)} WHERE {column} > %s AND {column} <= %s", after, upto)
        return {record for (record,) in found}

    def words_beginning(self, beginning: str, most: int) -> list[str]:
        """Some words that begin so."""
        found = rows(
            "SELECT word FROM finding_vocabulary WHERE word >= %s AND word < %s ORDER BY length(word), word LIMIT %s",
            *(beginning, beginning + _BEHIND_LETTERS, most),
        )
        return [word for (word,) in found]


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Carry out a statement that gives rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(sql: str, *values: Any) -> None:
    """Carry out a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
