"""The parts a page object is made of: small, frozen, without anything left to look up."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

Words = str | Promise
_HUES = 5  # of people; the first is grey


@dataclass(frozen=True, slots=True)
class State:
    """Where something stands: always an icon, a word and a tone (ok, bad, warn, run, off, todo)."""

    icon: str
    words: Words
    tone: str


@dataclass(frozen=True, slots=True)
class Due:
    """How something stands against its due date; `moment` is the exact one, in the reader's zone on hover."""

    icon: str
    words: Words
    tone: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, a robot, or nobody (an empty name); `picture` is the address of one, empty for none."""

    name: str
    initials: str
    hue: int
    is_robot: bool = False
    picture: str = ""

    @classmethod
    def of(cls, name: str, *, is_robot: bool = False, picture: str = "") -> Person:
        """A person by name; the hue is always the same for the same name."""
        words = [word for word in name.split() if word[0].isalnum()] or [name[:1]]
        ends = [words[0], words[-1]] if len(words) > 1 else words
        initials = "".join(word[0] for word in ends).upper()
        return cls(name, initials, zlib.crc32(name.encode()) % _HUES, is_robot, picture)

    @classmethod
    def nobody(cls) -> Person:
        """Nobody."""
        return cls("", "", 0)


@dataclass(frozen=True, slots=True)
class Link:
    """A way to somewhere; without an address only words, as the last of the crumbs."""

    words: Words
    address: str = ""
    is_here: bool = False
    count: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: what it filters, by which value, and where it is taken off."""

    name: Words
    value: Words
    without: str


@dataclass(frozen=True, slots=True)
class Empty:
    """What is shown where nothing is: what belongs here, and a first step."""

    icon: str
    title: Words
    sentence: Words
    step: Link | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A head of a table; `sort` is the address that sorts by it, `direction` is asc or desc when the table is."""

    words: Words
    name: str = ""
    sort: str = ""
    direction: str = ""

    @property
    def aria_sort(self) -> str:
        """The direction as assistive technology wants it."""
        return {"asc": "ascending", "desc": "descending"}.get(self.direction, "")


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a list goes on: towards what is older, and back to its beginning."""

    older: str = ""
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a time line: something said (`by`, `text`) or something that happened (`icon`, `title`)."""

    moment: datetime
    title: Words
    icon: str = ""
    by: Person | None = None
    detail: Words = ""
    text: str = ""
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value in a list of facts."""

    name: Words
    value: Words


def address(path: str, given: Mapping[str, str], **changes: str | None) -> str:
    """A path with a query; changes replace what was given, None leaves it out."""
    wanted = {name: value for name, value in (dict(given) | changes).items() if value}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def chips(
    path: str, given: Mapping[str, str], named: Iterable[tuple[str, Words, Callable[[str], Words]]]
) -> tuple[Chip, ...]:
    """A chip for each filter that is on; a list begins anew without its cursor."""
    return tuple(
        Chip(words, shown(given[name]), address(path, given, **{name: None, "cursor": None}))
        for name, words, shown in named
        if given.get(name)
    )


def brief(duration: timedelta) -> str:
    """A length of time in its largest unit, down to seconds."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds >= 60:
        return lasted(duration)
    return ngettext("%(count)d s", "%(count)d s", seconds) % {"count": seconds}


def remaining(duration: timedelta) -> str:
    """A length of time in its two largest units, such as "23 h 5 min"."""
    minutes = max(1, int(duration.total_seconds()) // 60)
    large, small = (24 * 60, 60) if minutes >= 24 * 60 else (60, 1)
    whole, rest = minutes // large, minutes % large // small
    parts = (timedelta(minutes=whole * large), timedelta(minutes=rest * small))
    return " ".join(lasted(part) for part in parts if part)


def took(seconds: float) -> str:
    """How long something quick took: "142 ms", "15.0 s", or in minutes."""
    if seconds < 1:
        return _("%(count)s ms") % {"count": number_format(round(seconds * 1000))}
    if seconds < 60:
        return _("%(count)s s") % {"count": number_format(seconds, decimal_pos=1)}
    return lasted(timedelta(seconds=seconds))


def lasted(duration: timedelta) -> str:
    """A length of time in its largest unit, such as "2 h" or "3 days"."""
    seconds = abs(int(duration.total_seconds()))
    if seconds >= 24 * 3600:
        days = seconds // (24 * 3600)
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if seconds >= 3600:
        hours = seconds // 3600
        return ngettext("%(count)d h", "%(count)d h", hours) % {"count": hours}
    minutes = max(1, seconds // 60)
    return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
