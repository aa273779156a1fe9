"""How large the database is, and what PostgreSQL's planner knows of the sizes of tables, kept near the truth.

Sessions keep the plans of their statements. One made while a table was small is to read it whole, and would still do so when
a million rows are in it. Autovacuum counts a table anew, upon which plans are made anew, but it comes by once a minute.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

_FEW_PAGES, _TIMES = 8, 4
_OUTGROWN = """
    SELECT format('%%I.%%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname = current_schema() AND pg_has_role(relowner, 'USAGE')
    AND pg_relation_size(c.oid) / current_setting('block_size')::int > greatest(%s, %s * relpages)
"""


_LARGEST = """
    SELECT relname, pg_total_relation_size(c.oid) AS size FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname = current_schema() ORDER BY size DESC, relname LIMIT %s
"""


def whole() -> int:
    """The bytes that the database takes on its disk, without its log."""
    if connection.vendor == "postgresql":
        return int(_rows("SELECT pg_database_size(current_database())")[0][0])
    return int(_rows("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")[0][0])


def largest(most: int) -> list[tuple[str, int]]:
    """The largest tables of PostgreSQL by their bytes, indexes included; SQLite tells the whole only."""
    return [(name, int(size)) for name, size in _rows(_LARGEST, most)] if connection.vendor == "postgresql" else []


def _rows(statement: str, *parameters: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def learn() -> list[str]:
    """PostgreSQL: count the tables anew that have outgrown by far what the planner knows; returns which."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTGROWN, [_FEW_PAGES, _TIMES])
        outgrown = [name for (name,) in cursor.fetchall()]
        if outgrown:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(outgrown)}")
    return outgrown
