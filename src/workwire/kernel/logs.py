"""Log lines as JSON objects, one a line, for machines that read them; and the name of the request they belong to."""

from __future__ import annotations

import logging
from contextvars import ContextVar

import orjson

from workwire.kernel import clock

_request: ContextVar[str | None] = ContextVar("request", default=None)


def name_request(name: str) -> None:
    """Give the request that begins a name. It stays until the next one begins: Django logs after the answer."""
    _request.set(name)


class OfRequest(logging.Filter):
    """Adds `request`: the name of the request a record belongs to, a hyphen outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.request = _request.get() or "-"
        return True


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object: time, level, logger, message, request, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line = {
            "time": clock.rfc3339(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := getattr(record, "request", "-")) != "-":
            line["request"] = request
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()
