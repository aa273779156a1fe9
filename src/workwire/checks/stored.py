"""Checks of the database and of what is stored in it."""

from __future__ import annotations

from django.db import connection

from workwire.checks import migration_state
from workwire.checks.outcomes import Finding, well, worth_knowing, wrong
from workwire.kernel import keys
from workwire.kernel.wording import statement
from workwire.reactions.webhooks import queries

OLDEST_POSTGRESQL = 14
MOST_NAMED = 10


def database() -> Finding:
    """The database answers and is of a version we run on."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10_000
            said = statement("postgresql_answers", version=version, oldest=OLDEST_POSTGRESQL)
            enough = version >= OLDEST_POSTGRESQL
            return well("database", said) if enough else wrong("database", said, statement("postgresql_old.advice"))
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    said = statement("sqlite_answers", mode=mode)
    return well("database", said) if mode == "wal" else wrong("database", said, statement("sqlite_journal.advice"))


def migrations() -> Finding:
    """The database is the one of this release."""
    missing, unknown = migration_state.missing_and_unknown()
    if missing:
        return wrong(
            "migrations", statement("migrations_missing", count=missing), statement("migrations_missing.advice")
        )
    if unknown:
        return wrong(
            "migrations", statement("migrations_unknown", name=unknown[-1]), statement("migrations_unknown.advice")
        )
    return well("migrations", statement("migrations_applied"))


def secrets() -> Finding:
    """The keys open what is stored; looked at for one or two subscriptions."""
    unreadable = queries.unreadable()
    if unreadable is None:
        return well("secrets", statement("secrets_open"))
    return wrong(
        "secrets", statement("secrets_closed", subscription=str(unreadable.guid)), statement("secrets_closed.advice")
    )


def names() -> Finding:
    """Which records were there before names were compared whatever their spelling, and have one that another one has."""
    found = [f"{what} '{name}'" for what, name in keys.ambiguous()]
    if not found:
        return well("names", statement("names_differ"))
    more = [f"and {len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return worth_knowing(
        "names", statement("names_alike", count=len(found)), statement("names_alike.advice"), *found[:MOST_NAMED], *more
    )
