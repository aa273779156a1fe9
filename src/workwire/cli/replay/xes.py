"""Reading event logs in the XES standard (IEEE 1849), plain or gzipped, in constant memory.

Only what replay needs is kept: traces with a name, events with activity, time and resource, all attributes as text.
Entity and DTD tricks are refused by defusedxml.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

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
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _traces(file: IO[bytes], path: Path) -> Iterator[Trace]:
    root: Element | None = None
    try:
        for phase, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            if root is None:
                root = element
                if _tag(element) != "log":
                    raise XesError(f"{path.name} is no XES log: its root is <{_tag(element)}>.")
            elif phase == "end" and _tag(element) == "trace":
                yield _trace(element)
                root.clear()  # what has been read is let go, so that a log of any length fits
    except (ParseError, DefusedXmlException, EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise XesError(f"{path.name} cannot be read as XES: {error or type(error).__name__}.") from error
    if root is None:
        raise XesError(f"{path.name} is empty.")


def _trace(element: Element) -> Trace:
    attributes = _attributes(element)
    events = [_event(child) for child in element if _tag(child) == "event"]
    return Trace(attributes.get("concept:name", ""), attributes, events)


def _event(element: Element) -> XesEvent:
    attributes = _attributes(element)
    return XesEvent(
        activity=attributes.get("concept:name", ""),
        timestamp=_moment(attributes.get("time:timestamp")),
        resource=attributes.get("org:resource", ""),
        attributes=attributes,
    )


def _attributes(element: Element) -> dict[str, str]:
    return {child.get("key", ""): child.get("value", "") for child in element if _tag(child) in _VALUES}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise XesError(f"'{text}' is no date of the XES standard.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
