"""Which migrations the database lacks, and which it has that this release does not know."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def missing_and_unknown() -> tuple[int, list[str]]:
    """How many migrations the database lacks, and the names of those applied in it that this release does not have."""
    executor = MigrationExecutor(connection)
    missing, loader = len(executor.migration_plan(executor.loader.graph.leaf_nodes())), executor.loader
    known = set(loader.disk_migrations).union(*(one.replaces for one in loader.disk_migrations.values()))
    ours = {label for label, _ in loader.disk_migrations}
    unknown = [f"{app}.{name}" for app, name in loader.applied_migrations if app in ours and (app, name) not in known]
    return missing, sorted(unknown)


def newer_release(unknown: Sequence[str]) -> str:
    """That the database is one of a newer release, as a sentence."""
    return f"A newer release of Workwire has worked on this database (it has {unknown[-1]}, which this release lacks)."
