"""Log lines as JSON objects, one a line, for machines that read them."""

from __future__ import annotations

import logging

import orjson

from workwire.kernel import clock


class JsonFormatter(logging.Formatter):
    """Format a record as one JSON object: time, level, logger, message, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line = {
            "time": clock.rfc3339(clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()
