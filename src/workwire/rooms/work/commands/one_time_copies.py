"""What a new item may have copies of, made once: each is made by the room that keeps it, and both items change it by
themselves from then on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange
from workwire.rooms.work.models import WorkItem


class Copied(StrEnum):
    """What a new item may have copies of."""

    CONTACTS = "contacts"
    CUSTOM_DATA = "custom_data"
    FILES = "files"
    DEFECTS = "defects"
    COMMUNICATIONS = "communications"


class Copier(Protocol):
    """Gives new items copies of what an actor sees at another one and its family; returns what that changed."""

    def __call__(self, origin: WorkItem, made: Sequence[WorkItem], *, by: Actor, at: datetime) -> list[RowChange]: ...


_copiers: dict[Copied, Copier] = {}


def register_copier(what: Copied, copier: Copier) -> None:
    """Let a room above this one make copies of what it keeps; files are copied before."""
    _copiers[what] = copier


def copy_from_rooms(
    wanted: Collection[Copied], origin: WorkItem, made: Sequence[WorkItem], *, by: Actor, at: datetime
) -> list[RowChange]:
    """Copies of what is wanted and rooms above this one keep; returns what changed."""
    return [
        change for what, copier in _copiers.items() if what in wanted for change in copier(origin, made, by=by, at=at)
    ]
