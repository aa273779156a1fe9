"""Reading event logs in the XES standard (IEEE 1849), plain or gzipped, in constant memory.

Only what replay needs is kept: traces with a name, events with activity, time and resource, all attributes as text.
Entity and DTD tricks are refused by defusedxml.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

_GZIP = b"\x1f\x8b"
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})T24:00(?::00(?:\.0+)?)?(?![\d:.])")
_UNREADABLE = (
    *(ParseError, DefusedXmlException, ValueError, LookupError),  # broken XML, entities, encodings the parser has not
    *(EOFError, gzip.BadGzipFile, zlib.error),
)
DAY = timedelta(days=1)
_VALUES = frozenset({"string", "date", "int", "float", "boolean", "id"})


class XesError(Exception):
    """The file is no event log, or a broken one; the text says where."""


@dataclass(frozen=True, slots=True)
class XesEvent:
    """One event of a trace; `timestamp` is aware."""

    activity: str
    timestamp: datetime | None
    resource: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """One case of the log."""

    name: str
    attributes: dict[str, str]
    events: list[XesEvent]


def read_traces(path: Path, *, limit: int | None = None) -> Iterator[Trace]:
    """Read traces in the order of the file, at most `limit`; raises XesError, or OSError when it cannot be opened."""
    with _opened(path) as file:
        yield from islice(_traces(file, path), limit)


def _opened(path: Path) -> IO[bytes]:
    """The file, unpacked if it is gzipped, whatever its name says."""
    file = path.open("rb")
    if file.peek(2)[:2] == _GZIP:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


def _traces(file: IO[bytes], path: Path) -> Iterator[Trace]:
    root: Element | None = None
    depth = number = 0
    try:
        for phase, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            depth += 1 if phase == "start" else -1
            if phase == "start" and depth == 2 and _tag(element) == "event":
                raise XesError(f"{path.name} has events outside of traces; which case they belong to is not known.")
            if root is None:
                root = element
                if _tag(element) != "log":
                    raise XesError(f"{path.name} is no XES log: its root is <{_tag(element)}>.")
            elif phase == "end" and depth == 1 and _tag(element) == "trace":
                number += 1
                yield _trace(element, f"{path.name}, trace {number}")
                root.clear()  # what has been read is let go, so that a log of any length fits
    except _UNREADABLE as error:
        after = f" after trace {number}" if number else ""
        raise XesError(f"{path.name} cannot be read as XES{after}: {str(error) or type(error).__name__}.") from error
    if root is None:
        raise XesError(f"{path.name} is empty.")


def _trace(element: Element, where: str) -> Trace:
    attributes = _attributes(element)
    children = [child for child in element if _tag(child) == "event"]
    events = [_event(child, f"{where}, event {number}") for number, child in enumerate(children, 1)]
    return Trace(attributes.get("concept:name", ""), attributes, events)


def _event(element: Element, where: str) -> XesEvent:
    attributes = _attributes(element)
    return XesEvent(
        activity=attributes.get("concept:name", ""),
        timestamp=_moment(attributes.get("time:timestamp"), where),
        resource=attributes.get("org:resource", ""),
        attributes=attributes,
    )


def _attributes(element: Element) -> dict[str, str]:
    return {child.get("key", ""): child.get("value", "") for child in element if _tag(child) in _VALUES}


def _moment(text: str | None, where: str) -> datetime | None:
    """A moment in UTC, which it is in where no zone is named; 24:00 is the end of its day."""
    if text is None or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(_MIDNIGHT.sub(r"\1T00:00:00", text.strip()))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC) + (DAY if _MIDNIGHT.match(text.strip()) else timedelta(0))
    except (ValueError, OverflowError) as error:
        raise XesError(
            f"{where}: '{text[:60]}' is no date of the XES standard, or lies outside of all years."
        ) from error


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
