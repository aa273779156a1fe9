"""`workwire doctor`: one sentence for each thing that must be right."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from workwire import config
from workwire.cli import setup_django
from workwire.cli.serving import apply

OLDEST_POSTGRESQL = 14
LATE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something is well, and the sentence that says so."""

    well: bool
    sentence: str


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def doctor(data: Path | None) -> None:
    """Say what is wrong; exit 1 if anything is."""
    apply(data_dir=data and data.absolute())
    findings = [check() for check in (data_folder, key_file)]
    if all(finding.well for finding in findings):
        findings += _with_database()
    for finding in findings:
        click.echo(("ok     " if finding.well else "WRONG  ") + finding.sentence)
    if not all(finding.well for finding in findings):
        raise SystemExit(1)


def data_folder() -> Finding:
    """The data folder can be written."""
    folder = config.load().data_dir.absolute()
    if not folder.is_dir():
        return Finding(False, f"The data folder {folder} does not exist; `workwire up` makes it.")
    if not os.access(folder, os.W_OK):
        return Finding(False, f"The data folder {folder} cannot be written.")
    return Finding(True, f"The data folder is {folder}.")


def key_file() -> Finding:
    """The secrets' key is there and nobody else reads it."""
    settings = config.load()
    if settings.secret_keys:
        return Finding(True, "The secret keys come from WORKWIRE_SECRET_KEYS.")
    path = settings.data_dir / "secret.key"
    if not path.exists():
        return Finding(False, f"The key file {path} is missing; without it stored secrets cannot be read.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(False, f"The key file {path} can be read by others (mode {mode:o}); `chmod 600` it.")
    return Finding(True, "The key file is there and private.")


def _with_database() -> list[Finding]:
    from django.db import DatabaseError

    setup_django()
    findings: list[Finding] = []
    checks: tuple[Callable[[], Finding], ...] = (database, migrations, dispatchers, backlog)
    try:
        for check in checks:
            findings.append(check())
            if not findings[-1].well:
                break
    except DatabaseError as error:
        findings.append(Finding(False, f"The database does not answer: {str(error).strip()}."))
    return findings


def database() -> Finding:
    """The database answers and is of a version we run on."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10_000
            enough = version >= OLDEST_POSTGRESQL
            return Finding(enough, f"PostgreSQL {version} answers; {OLDEST_POSTGRESQL} or later is needed.")
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    return Finding(mode == "wal", f"The embedded database answers, journal mode {mode}.")


def migrations() -> Finding:
    """Nothing is missing in the database."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        return Finding(False, f"{missing} migrations are missing; run `workwire migrate`.")
    return Finding(True, "The database is up to date.")


def dispatchers() -> Finding:
    """Somebody sends."""
    from workwire.dispatcher import heartbeat
    from workwire.kernel import clock

    alive = heartbeat.alive(clock.now())
    if not alive:
        return Finding(False, "No dispatcher is alive; run `workwire up` or `workwire dispatch`.")
    return Finding(True, f"{alive} dispatcher{'s are' if alive > 1 else ' is'} alive.")


def backlog() -> Finding:
    """Nothing has been due for long."""
    from workwire.kernel import clock
    from workwire.reactions.webhooks import queue

    age = queue.oldest_due(clock.now())
    if age > LATE_SECONDS:
        return Finding(False, f"A delivery has been due for {age:.0f} seconds; are the dispatchers keeping up?")
    return Finding(True, "Nothing has been due for long.")
