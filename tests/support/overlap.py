"""Two commands whose transactions overlap, the same way in every run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connection, transaction

from workwire.kernel.errors import DomainError

T = TypeVar("T")
PATIENCE = 0.4  # seconds in which the second call gets to its lock, or wrongly past it


def overlap(first: Callable[[], T], second: Callable[[], T]) -> tuple[T | DomainError, T | DomainError]:
    """Start `second` when `first` is through but not yet committed; gives what each returned, or its refusal."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            one = _outcome(first)
            running = pool.submit(_in_thread, second)
            wait([running], timeout=PATIENCE)
        return one, running.result(timeout=30)


def _in_thread(call: Callable[[], T]) -> T | DomainError:
    try:
        return _outcome(call)
    finally:
        connection.close()


def _outcome(call: Callable[[], T]) -> T | DomainError:
    try:
        return call()
    except DomainError as refusal:
        return refusal
