"""A new installation has the very tables that every migration in turn makes, and holds the same rows."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.empty_databases import empty_database
from tests.support.processes import ROOT

pytestmark = pytest.mark.story
AT_ONCE = "call_command('migrate', verbosity=0)"
IN_TURN = "call_command(migrate.Command(), verbosity=0)"  # Django's own command
SCRIPT = """
import django; django.setup()
from django.core.management import call_command
from django.core.management.commands import migrate
"""
Facts = dict[str, list[Any]]
ON_A_SERVER = {
    "columns": """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,
        collation_name, is_identity, identity_generation, is_generated, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1, 2""",  # nullable columns are above
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "storage": """SELECT relname, relkind::text, ARRAY(SELECT unnest(reloptions) ORDER BY 1) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace ORDER BY 1""",
    "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    "applied": "SELECT app, name FROM django_migrations ORDER BY 1, 2",
}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Facts, Facts]]:
    """What is in a database that was made at once, and in one made by every migration in turn."""
    with empty_database("made_at_once") as first, empty_database("made_in_turn") as second:
        yield _made(AT_ONCE, first, tmp_path / "at-once"), _made(IN_TURN, second, tmp_path / "in-turn")


def test_a_new_installation_is_what_all_migrations_make(both: tuple[Facts, Facts]) -> None:
    at_once, in_turn = both
    assert at_once.keys() == in_turn.keys()
    for kind, facts in in_turn.items():
        assert at_once[kind] == facts, kind
    assert len(at_once["applied"]) > 100


def _made(script: str, url: str | None, folder: Path) -> Facts:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKWIRE_", "DJANGO_"))}
    settings = {"WORKWIRE_DATA_DIR": str(folder)} | ({"WORKWIRE_DATABASE_URL": url} if url else {})
    subprocess.run(
        [sys.executable, "-c", SCRIPT + script],
        env=kept | {"PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "workwire.settings"} | settings,
        timeout=300,
        check=True,
    )
    return _on_a_server(url) if url else _embedded(folder / "workwire.sqlite3")


def _on_a_server(url: str) -> Facts:
    import psycopg

    with psycopg.connect(url) as connection:
        facts = {kind: connection.execute(query).fetchall() for kind, query in ON_A_SERVER.items()}
        tables = [name for name, kind, _ in facts["storage"] if kind == "r"]
        facts["rows"] = [
            (table, *connection.execute(f'SELECT count(*) FROM "{table}"').fetchall())  # noqa: S608 - our tables
            for table in sorted(tables)
        ]
    return facts


def _embedded(path: Path) -> Facts:
    with closing(sqlite3.connect(path)) as database:
        kept = database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_sequence'"
        )
        facts: Facts = {"applied": sorted(database.execute("SELECT app, name FROM django_migrations"))}
        for kind, name, table, statement in sorted(kept, key=lambda row: row[:3]):
            facts.setdefault(kind, []).append((name, table, None if kind == "table" else statement))
            if kind == "table":
                facts[name] = _table(database, name, statement)
    return facts


def _table(database: sqlite3.Connection, name: str, statement: str) -> list[Any]:
    """Its columns, foreign keys, checks and rows, whatever the order in which they came to be."""
    return [
        sorted(row[1:] for row in database.execute(f'PRAGMA table_xinfo("{name}")')),
        sorted(row[2:] for row in database.execute(f'PRAGMA foreign_key_list("{name}")')),
        sorted(re.findall(r'CONSTRAINT "\w+" (?:CHECK|UNIQUE) .*?(?=, CONSTRAINT|, "\w+" |\)$)', statement)),
        "AUTOINCREMENT" in statement,
        database.execute(f'SELECT count(*) FROM "{name}"').fetchone(),  # noqa: S608 - our tables
    ]
