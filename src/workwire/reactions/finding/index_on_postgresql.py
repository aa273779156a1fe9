"""The index on PostgreSQL: a table for each kind of record with a column of words (`tsvector`) and an index on it (GIN).

The words are given as they are, with their places, so that no text search configuration of the server and no extension
counts. Such an index gives rows in no order: the newest of a million would be found by reading all of them. So each document
also has the stretches it lies in, of three lengths, as if they were words; what is asked looks through the newest short
stretch, then the newest long one, and through all only where that gave too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

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

STRETCHES = (2**13, 2**17, 2**21)  # records
_LOCK = 0x66696E64  # of who writes documents
_GAP = 100  # between the words of a title and of a text, so that no phrase spans both
_MOST_PLACES = 255  # of one word in one document, as many as PostgreSQL keeps
_OF_TITLE, _OF_SCOPE = "=", "/"  # before a word of a title, and before a scope; no word has them


class PostgresqlIndex(IndexTables):
    """See `FullText`."""

    record = "record"

    def prepare(self) -> None:
        """Make the tables that are missing."""
        for kind in Kind:
            table = table_of(kind)
            run(f"CREATE TABLE IF NOT EXISTS {table} (record bigint PRIMARY KEY, words tsvector NOT NULL)")
            run(
                f"CREATE INDEX IF NOT EXISTS {table}_index ON {table} USING gin (words) WITH (gin_pending_list_limit = 512)"
            )
        run('CREATE TABLE IF NOT EXISTS finding_vocabulary (word text COLLATE "C" PRIMARY KEY)')

    def write_alone(self) -> None:
        """Take the lock of who writes documents."""
        run("SELECT pg_advisory_xact_lock(%s)", _LOCK)

    def put(self, kind: Kind, documents: Sequence[Document]) -> None:
        """Write documents."""
        run(
            f"INSERT INTO {table_of(kind)} AS held (record, words)"
            " SELECT record, words::tsvector FROM unnest(%s::bigint[], %s::text[]) AS given (record, words)"
            " ON CONFLICT (record) DO UPDATE SET words = EXCLUDED.words WHERE held.words <> EXCLUDED.words",
            *([one.record for one in documents], [_lexemes(one) for one in documents]),
        )
        run(
            "INSERT INTO finding_vocabulary (word) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            distinct_words(documents),
        )

    def last_records(self) -> Mapping[Kind, int]:
        """The highest record of each kind; one query."""
        parts = ", ".join(f"(SELECT coalesce(max(record), 0) FROM {table_of(kind)})" for kind in Kind)
        return dict(zip(Kind, rows(f"SELECT {parts}")[0], strict=True))

    def first(self, kind: Kind, wanted: Wanted, behind: Hit, most: int, last: int) -> list[Hit]:
        """Look through stretch after stretch of each tier: what follows a stretch that gave enough is not carried out."""
        parts, values = list[str](), list[Any]()
        for tier in (TITLE, ANYWHERE):
            if tier < behind.tier:
                continue
            below = min(last + 1, behind.record if tier == behind.tier else BEHIND_ALL)
            asked = _query(wanted, tier)
            for low, high, within in _stretches(below):
                parts.append(
                    f"(SELECT {tier}, record FROM {table_of(kind)} WHERE words @@ %s::tsquery AND record >= %s AND record < %s"
                    " ORDER BY record + 0 DESC LIMIT %s)"  # along no other index
                )
                values += [f"{asked} & {within}" if within else asked, low, high, most]
        found = rows(f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS found LIMIT %s", *values, most)
        return [Hit(tier, record) for tier, record in found]


def _stretches(below: int) -> Iterator[tuple[int, int, str]]:
    """The stretches of records below a number, the newest first: where each begins and ends, and the words it is known by."""
    high = below
    for level, length in enumerate(STRETCHES):
        block = max(below - 1, 0) // length
        low = max(block - 1, 0) * length
        if low < high:
            yield low, high, f"({_stretch(level, block)} | {_stretch(level, block - 1)})"
        high = min(high, low)
        if high <= 0:
            return
    yield 0, high, ""


def _stretch(level: int, block: int) -> str:
    return f"'{_OF_SCOPE}s{level}x{max(block, 0)}'"


def _lexemes(document: Document) -> str:
    """A document as PostgreSQL reads it: every word with its places, those of the title once more as such."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(document.title, 1):
        places.setdefault(word, []).append(place)
        places.setdefault(_OF_TITLE + word, []).append(place)
    for place, word in enumerate(document.text, len(document.title) + _GAP):
        places.setdefault(word, []).append(place)
    blocks = [f"s{level}x{document.record // length}" for level, length in enumerate(STRETCHES)]
    marks = [f"'{_OF_SCOPE}{scope}'" for scope in (*document.scopes, *blocks)]
    words = [f"'{word}':{','.join(map(str, found[:_MOST_PLACES]))}" for word, found in places.items()]
    return " ".join(words + marks)


def _query(wanted: Wanted, tier: int) -> str:
    """What PostgreSQL is asked. Words are letters and digits only, and stand in quotes."""
    titled = " & ".join(f"({_phrases(one.phrases, _OF_TITLE)})" for one in wanted.terms)
    within = "" if wanted.within is None else f" & ({_any_scope(wanted.within)})"
    if tier == TITLE:
        return f"({titled}{within})"
    anywhere = " & ".join(map(_anywhere, wanted.terms))
    return f"({anywhere}{within}) & !({titled})"


def _anywhere(term: Alternatives) -> str:
    said = _phrases(term.phrases, "")
    return f"({said} | {_any_scope(term.scopes)})" if term.scopes else f"({said})"


def _phrases(phrases: Iterable[Sequence[str]], mark: str) -> str:
    return " | ".join("(" + " <-> ".join(f"'{mark}{word}'" for word in words) + ")" for words in phrases)


def _any_scope(scopes: Iterable[str]) -> str:
    return " | ".join(f"'{_OF_SCOPE}{scope}'" for scope in scopes) or f"'{_OF_SCOPE}none'"
