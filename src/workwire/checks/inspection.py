"""All checks at once, each within a bound of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from time import monotonic

from django.db import DatabaseError, OperationalError, connection, transaction

from workwire import config
from workwire.checks import machine, operation, stored
from workwire.checks.outcomes import Finding, worth_knowing, wrong
from workwire.jobs import queries as jobs
from workwire.kernel import clock
from workwire.kernel.wording import statement
from workwire.outbox import listener_feed, restores
from workwire.reactions.webhooks import queries, queue, workers

LIMIT, LIMIT_OF_ALL = 2.0, 10.0  # seconds: of a statement or check, and after which no further one is begun
STEPS = 10_000  # of the embedded database, between two looks at the clock
Check = Callable[[], Finding | Iterable[Finding]]


def findings() -> list[Finding]:
    """What all checks find, in the order in which one mends things."""
    return [*machine.findings(), *of_database()]


def of_database() -> list[Finding]:
    """What the checks find that ask the database; none goes on without an answer, or with the database of another release."""
    found: list[Finding] = []
    began = monotonic()
    try:
        with _bounded() as one:
            for name, check in _checks():
                if monotonic() - began > LIMIT_OF_ALL:
                    found.append(_too_slow(name))
                    continue
                found += _made(name, check, one)
                if name in ("database", "migrations") and not found[-1].is_well:
                    break
    except DatabaseError as error:
        said = statement("database_silent", error=config.shown(error))
        found.append(wrong("database", said, statement("database_silent.advice")))
    return found


def _checks() -> tuple[tuple[str, Check], ...]:
    now, held = clock.now(), cache(restores.held)  # two checks ask
    return (
        ("database", stored.database),
        ("migrations", stored.migrations),
        ("sending", lambda: operation.of_sending(held())),
        ("secrets", stored.secrets),
        ("names", stored.names),
        ("workers", lambda: operation.of_workers(workers.seen(now), held())),
        ("subscriptions", lambda: operation.of_subscriptions(queries.unwell(now))),
        ("jobs", lambda: operation.of_jobs(jobs.health(now), jobs.standing())),
        ("backlog", lambda: operation.of_backlog(queue.ages(now))),
        (
            "listeners",
            lambda: operation.of_listeners({feed.name: feed.standing(now) for feed in listener_feed.every()}),
        ),
    )


def _made(name: str, check: Check, one: Callable[[], AbstractContextManager[object]]) -> list[Finding]:
    began = monotonic()
    try:
        with one():
            found = check()
            return [found] if isinstance(found, Finding) else list(found)
    except OperationalError:
        if monotonic() - began < LIMIT:
            raise
        return [_too_slow(name)]


def _too_slow(name: str) -> Finding:
    return worth_knowing(name, statement("check_too_slow", seconds=LIMIT), statement("check_too_slow.advice"))


@contextmanager
def _bounded() -> Iterator[Callable[[], AbstractContextManager[object]]]:
    """Bounds in time what is asked within, and gives what to wrap one check in, so that the next is made after one that took
    too long."""
    if connection.vendor != "postgresql":
        yield partial(_interrupted_after, LIMIT)
        return
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)",
                [f"{LIMIT * 1000:.0f}ms"],
            )
            before = cursor.fetchone()[0]
        yield transaction.atomic
        if is_nested:  # otherwise it ends with the transaction
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    handle, until = connection.connection, monotonic() + seconds
    handle.set_progress_handler(lambda: monotonic() > until, STEPS)
    try:
        yield
    finally:
        handle.set_progress_handler(None, 0)
