"""Small work to be done once in a while: a module that keeps rows for a time says how they are swept, the worker does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Chore:
    """A piece of work with its name and the seconds between two turns; `work` gets the moment."""

    name: str
    every: float
    work: Callable[[datetime], object]


_chores: dict[str, Chore] = {}


def register(chore: Chore) -> None:
    """Let the worker do it from now on."""
    _chores[chore.name] = chore


def chores() -> list[Chore]:
    """All that are registered."""
    return list(_chores.values())
