"""Starts a worker that kills itself at a named point now and then, or whose clock is wrong: `python -m` this module.

The product knows nothing of it: the functions at the named points are wrapped here. Told by the environment:
``CHAOS_POINT`` (see POINTS; several with commas),
``CHAOS_FOLDER`` (one file for each death, so that all starts together die ``CHAOS_MOST``
times), ``CHAOS_CLOCK`` (a file with the seconds the clock is ahead, read anew at each look).
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import wraps
from pathlib import Path
from typing import Any, Self

from workwire.cli import setup_django

MOST_CALLS = 6  # a process dies at one of so many calls


def points() -> dict[str, tuple[Any, str, bool]]:
    """Where each point is: an object, its attribute, and whether to die before the call rather than after it."""
    from workwire.reactions.webhooks import preparing, queue, settling
    from workwire.worker.delivery.answers import Answers

    return {
        "claim": (queue, "claim", False),
        "prepare": (preparing, "prepare", False),
        "sent": (Answers, "settle_batch", True),
        "fan-out": (queue, "add", False),
        "settle": (queue, "leave", False),
        "retry": (settling, "_settle_subscriptions", False),
    }


POINTS = ("claim", "prepare", "sent", "fan-out", "settle", "retry")


def deadly(name: str, folder: Path, most: int) -> None:
    """Let this process die at a point, unless that has happened often enough; of several names, at each in turn."""
    deaths = len(list(folder.iterdir()))
    if deaths >= most:
        return
    names = name.split(",")
    owner, attribute, before = points()[names[deaths % len(names)]]
    function: Callable[..., Any] = getattr(owner, attribute)
    left = random.Random(f"{name}{deaths}").randint(1, MOST_CALLS)  # noqa: S311 - a choice, no secret

    @wraps(function)
    def wrapped(*given: Any, **named: Any) -> Any:
        nonlocal left
        result = None if before else function(*given, **named)
        left -= 1 if before or result is None or result else 0  # what found nothing to do does not count
        if left <= 0:
            (folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named) if before else result

    setattr(owner, attribute, wrapped)


def wrong(clock_file: Path) -> None:
    """Let this process read a time of day that is ahead by what a file says at the moment; what only counts stays right."""
    from workwire.kernel import clock

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(seconds=float(clock_file.read_text()))

    clock.datetime = Wrong  # type: ignore[misc] # the one place where the product reads the time of day


def main() -> None:
    """Be a worker."""
    setup_django()
    from workwire.worker import main as worker_main

    if point := os.environ.get("CHAOS_POINT"):
        deadly(point, Path(os.environ["CHAOS_FOLDER"]), int(os.environ["CHAOS_MOST"]))
    if clock_file := os.environ.get("CHAOS_CLOCK"):
        wrong(Path(clock_file))
    worker_main.main()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workwire.settings")
    main()
