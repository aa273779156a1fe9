"""The index on SQLite: an FTS5 table for each kind of record, whose row ids are the numbers of the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from workwire.kernel.statements import listed
from workwire.reactions.finding.full_text import (
    ANYWHERE,
    BEHIND_ALL,
    TITLE,
    Alternatives,
    Document,
    Hit,
    Wanted,
    distinct_words,
    table_of,
)
from workwire.reactions.finding.index_tables import IndexTables, rows, run
from workwire.reactions.finding.models import Kind


class SqliteIndex(IndexTables):
    """See `FullText`."""

    record = "rowid"

    def prepare(self) -> None:
        """Make the tables that are missing. The words are folded already, so the tokenizer is one that
        only splits at blanks."""
        for kind in Kind:
            run(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS {table_of(kind)} USING fts5"
                "(title, text, scope, tokenize = 'ascii')"
            )
        run("CREATE TABLE IF NOT EXISTS finding_vocabulary (word text PRIMARY KEY) WITHOUT ROWID")

    def write_alone(self) -> None:
        """Nothing to wait for: a transaction that writes is the only one."""

    def put(self, kind: Kind, documents: Sequence[Document]) -> None:
        """Write documents."""
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT OR REPLACE INTO {table_of(kind)} (rowid, title, text, scope) VALUES (%s, %s, %s, %s)",
                [(one.record, " ".join(one.title), " ".join(one.text), " ".join(one.scopes)) for one in documents],
            )
        run(
            "INSERT OR IGNORE INTO finding_vocabulary (word) SELECT value FROM json_each(%s)",
            listed(distinct_words(documents)),
        )

    def last_records(self) -> Mapping[Kind, int]:
        """Not needed: rows are found from the newest on."""
        return dict.fromkeys(Kind, BEHIND_ALL)

    def first(self, kind: Kind, wanted: Wanted, behind: Hit, most: int, last: int) -> list[Hit]:
        """Walk the rows of each tier from the newest on, one tier after the other."""
        table, parts, values = table_of(kind), list[str](), list[Any]()
        for tier in (TITLE, ANYWHERE):
            if tier < behind.tier:
                continue
            below = min(last + 1, behind.record if tier == behind.tier else BEHIND_ALL)
            parts.append(
                f"SELECT * FROM (SELECT {tier}, rowid FROM {table} WHERE {table} MATCH %s AND rowid < %s"
                " ORDER BY rowid DESC LIMIT %s)"
            )
            values += [_expression(wanted, tier), below, most]
        found = rows(f"{' UNION ALL '.join(parts)} LIMIT %s", *values, most)
        return [Hit(tier, record) for tier, record in found]


def _expression(wanted: Wanted, tier: int) -> str:
    """What FTS5 is asked. Words are letters and digits only, and stand in quotes."""
    titled = " AND ".join(f"title : ({_phrases(one.phrases)})" for one in wanted.terms)
    within = "" if wanted.within is None else f" AND scope : ({_any_scope(wanted.within)})"
    if tier == TITLE:
        return f"({titled}{within})"
    anywhere = " AND ".join(map(_anywhere, wanted.terms))
    return f"({anywhere}{within}) NOT ({titled})"


def _anywhere(term: Alternatives) -> str:
    said = f"{{title text}} : ({_phrases(term.phrases)})"
    return f"({said} OR scope : ({_any_scope(term.scopes)}))" if term.scopes else said


def _phrases(phrases: Iterable[Sequence[str]]) -> str:
    return " OR ".join(f'"{" ".join(words)}"' for words in phrases)


def _any_scope(scopes: Iterable[str]) -> str:
    return " OR ".join(f'"{scope}"' for scope in scopes) or '"none"'
