"""What was found as parts of a page: one line for each record, by kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workwire.reactions.finding.marks import Marked, Part
from workwire.web.kit.parts import Link, State, Words

SHOWN = 8  # of a kind, where all kinds are shown


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One record that was found; an exact one has the reference or the GUID that was asked for."""

    icon: str
    title: Marked
    address: str
    name: str = ""
    detail: Words = ""
    state: State | None = None
    why: str = ""
    snippet: Marked = ()
    at: datetime | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one kind, and where all of them are listed when there are more."""

    words: Words
    found: tuple[FoundLine, ...]
    more: Link | None = None


def plain(words: Words) -> Marked:
    """A title without matches to mark."""
    return (Part(str(words)),)
