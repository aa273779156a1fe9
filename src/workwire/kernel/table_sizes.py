"""What PostgreSQL's planner knows of the sizes of tables, kept near the truth.

Sessions keep the plans of their statements. One made while a table was small is to read it whole, and would still do so when
a million rows are in it. Autovacuum counts a table anew, upon which plans are made anew, but it comes by once a minute.
"""

from __future__ import annotations

from django.db import connection

_FEW_PAGES, _TIMES = 8, 4
_OUTGROWN = """
    SELECT format('%%I.%%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname = current_schema() AND pg_has_role(relowner, 'USAGE')
    AND pg_relation_size(c.oid) / current_setting('block_size')::int > greatest(%s, %s * relpages)
"""


def learn() -> list[str]:
    """PostgreSQL: count the tables anew that have outgrown by far what the planner knows; returns which."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTGROWN, [_FEW_PAGES, _TIMES])
        outgrown = [name for (name,) in cursor.fetchall()]
        if outgrown:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(outgrown)}")
    return outgrown
