"""The full-text index of either database, behind one interface: words go in and come out as we cut them (`text_words`).

Its tables are no models: SQLite keeps a virtual table for each kind of record, PostgreSQL a column of words with an index of
its own. Both find the newest first, however often a word occurs, and both are asked in words and scopes, never in a language
of theirs that somebody typed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from django.db import connection

from workwire.reactions.finding.models import Kind

BEHIND_ALL = 2**62  # no record has such a number
TITLE, ANYWHERE = 1, 2  # tiers


@dataclass(frozen=True, slots=True)
class Document:
    """What the index holds of one record: the words of its title and of its text, in their order, and the scopes it lies
    under, such as ``c12`` for a company."""

    record: int
    title: Sequence[str]
    text: Sequence[str]
    scopes: Collection[str]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What stands for one term of what is asked: one of these phrases, or one of these scopes, has to be there."""

    phrases: tuple[tuple[str, ...], ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a document has to have: every term, and one of the scopes `within`, where that is not None."""

    terms: tuple[Alternatives, ...]
    within: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that fits: in its title (`TITLE`), or anywhere."""

    tier: int
    record: int


FIRST = Hit(TITLE, BEHIND_ALL)


class FullText(Protocol):
    """What finding needs of an index."""

    def prepare(self) -> None:
        """Make the tables that are missing."""

    def clear(self, kind: Kind) -> None:
        """Remove all documents of a kind."""

    def write_alone(self) -> None:
        """Wait until nobody else writes documents, and keep it so until the transaction ends: what is read from then on is
        not older than what another one has written."""

    def put(self, kind: Kind, documents: Sequence[Document]) -> None:
        """Let the index hold documents in place of what it held of their records."""

    def remove(self, kind: Kind, records: Collection[int]) -> None:
        """Remove the documents of records."""

    def records_between(self, kind: Kind, after: int, upto: int) -> set[int]:
        """The records behind a number and up to another one that have a document."""

    def last_records(self) -> Mapping[Kind, int]:
        """The highest record of each kind that has a document, or a number above it; no query where none is needed."""

    def first(self, kind: Kind, wanted: Wanted, behind: Hit, most: int, last: int) -> list[Hit]:
        """The first of the records that fit, behind a hit: those that do by their titles, the newest first, then the others.
        `last` is that of `last_records`."""

    def words_beginning(self, beginning: str, most: int) -> list[str]:
        """Some words of the index that begin so, the shortest first."""


def table_of(kind: Kind) -> str:
    """The table with the documents of a kind."""
    return f"finding_{kind.name.lower()}_words"


def distinct_words(documents: Iterable[Document]) -> list[str]:
    """The words of some documents, each once, in an order that is the same for all writers."""
    return sorted({word for one in documents for part in (one.title, one.text) for word in part})


@cache
def index() -> FullText:
    """The index of the database we are on."""
    if connection.vendor == "postgresql":
        from workwire.reactions.finding.index_on_postgresql import PostgresqlIndex

        return PostgresqlIndex()
    from workwire.reactions.finding.index_on_sqlite import SqliteIndex

    return SqliteIndex()
