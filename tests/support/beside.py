"""Work in threads beside a test, each with a connection of its own to PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections

from tests.support.waiting import eventually

T = TypeVar("T")
_BLOCKED = """
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()
"""


class Beside:
    """Work in threads with connections of their own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Let something begin."""

        def run() -> T:
            try:
                return work()
            finally:
                connections.close_all()

        return self._pool.submit(run)

    def start_and_block(self, work: Callable[[], T]) -> Future[T]:
        """Let something begin, and wait until it waits for a lock."""
        begun = self.start(work)
        wait_until(lambda: begun.done() or waits_for_a_lock())
        assert not begun.done(), "it waits for nobody"
        return begun


def waits_for_a_lock() -> bool:
    """Whether a session waits for a lock of another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else who connects after the first look is never seen
        cursor.execute(_BLOCKED)
        return bool(cursor.fetchone()[0])


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    eventually(holds, 10, every=0.005)
