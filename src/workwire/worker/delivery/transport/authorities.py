"""The file of certificate authorities that endpoints are trusted by, read again when it changes.

libcurl keeps what it has read for a day, and connections and TLS sessions for as long as they last, all of it under the file's
path. So a changed file gets another path: another spelling of the same place. What was trusted before the change is then
neither looked up nor used again.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from workwire.kernel.certificates import SYSTEM_FILES, system_authorities

logger = logging.getLogger(__name__)
LOOK_EVERY = 1.0  # seconds
SPELLINGS = 1000  # of the path, after which they begin anew
Mark = tuple[int, int, int] | None  # what changes when a file does; None where there is none


class Authorities:
    """Where the authorities are: in a file that an operator names, or in the system's."""

    def __init__(self, file: Path | None) -> None:
        self._file = (file or system_authorities() or Path(SYSTEM_FILES[0])).absolute()
        self._mark = self._look()
        self._changes, self._path = 0, str(self._file)
        self._next_look = 0.0

    def path(self) -> str:
        """The path under which libcurl is to read them."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            if (mark := self._look()) != self._mark:
                self._mark = mark
                self._changes = self._changes % SPELLINGS + 1
                self._path = f"{self._file.parent}/{'./' * self._changes}{self._file.name}"
                logger.warning("the file of certificate authorities %s has changed and is read again", self._file)
        return self._path

    def _look(self) -> Mark:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
