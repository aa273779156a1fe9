"""Doing things at the same time, each in a thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from workwire.kernel.errors import DomainError

T = TypeVar("T")


def together(*calls: Callable[[], T]) -> Sequence[T | DomainError]:
    """Start all calls at once; gives what each returned, or its refusal, in the order of the calls."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | DomainError:
        try:
            start.wait(timeout=10)
            return call()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
