"""Log lines as JSON objects, one a line, for machines that read them; and what each of them is about.

A line is about the request it belongs to and, where it is known, the event, the message (its `delivery` is the `Webhook-Id`
that the receiver gets), the subscription or the job. With the level `debug` every request, event and attempt has a line, so
that one name leads from the request to what came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import orjson

from workwire.kernel import clock

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 - only ever replaced


def name_request(name: str) -> None:
    """Give the request that begins a name. It stays until the next one begins: Django logs after the answer."""
    _about.set({"request": name})


@contextmanager
def about(**names: object) -> Iterator[None]:
    """Say of every line written inside what it is about."""
    token = _about.set({**_about.get(), **_plain(names)})
    try:
        yield
    finally:
        _about.reset(token)


def of(**names: object) -> dict[str, Mapping[str, str]]:
    """Say the same of one line, as its `extra`."""
    return {"of": _plain(names)}


def _plain(names: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in names.items()}


class About(logging.Filter):
    """Adds `about`, what a record is about by name, and `subject`, the same for readers; a hyphen for nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        names = {**_about.get(), **getattr(record, "of", {})}
        record.about = names
        record.subject = (
            " ".join(value if name == "request" else f"{name}={value}" for name, value in names.items()) or "-"
        )
        return True


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object: time, level, logger, message, what it is about, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line = {
            "time": clock.rfc3339(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()
