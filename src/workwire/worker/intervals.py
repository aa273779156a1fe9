"""When something is to be done that is done every so often."""

from __future__ import annotations

from datetime import datetime, timedelta


class Rhythm:
    """Says whether it is time again; a clock set back does not make it wait."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._last: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time again."""
        return self._last is None or not timedelta(0) <= now - self._last < self._every

    def done(self, now: datetime) -> None:
        """Count it as done at a moment."""
        self._last = now
