"""Where contents are kept: an interface, and the local folder that is the default.

Guarantees: a key that was given out names a whole content that survives a power cut; a content that is too large leaves
nothing behind; keys are random and say nothing, and only keys are ever made into paths.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings

from workwire.kernel import ids
from workwire.kernel.errors import Away, Invalid
from workwire.kernel.folders import make_private

HEAD = 8192
PARTS = 256  # of a storage, which is looked through part by part
logger = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class KeptContent:
    """A content that was kept: its key, bytes, SHA-256 in hex and first 8 KiB."""

    key: str
    size: int
    digest: str
    head: bytes


class Storage(Protocol):
    """Keeps contents under keys of its own; raises Away while it cannot."""

    def save(self, chunks: Iterable[bytes], *, most: int) -> KeptContent:
        """Keep a content of at most so many bytes; raises Invalid (`file_too_large`) and keeps nothing."""

    def open(self, key: str) -> BinaryIO:
        """The content of a key, to be closed by the caller; raises FileNotFoundError."""

    def delete(self, key: str) -> None:
        """Forget a content; one that is not there is no error."""

    def kept(self, part: int) -> Iterator[tuple[str, datetime]]:
        """The keys of one of `PARTS` parts, each with the moment at which it was kept."""


class LocalFolder:
    """A folder of the machine, in two levels of subfolders; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, chunks: Iterable[bytes], *, most: int) -> KeptContent:
        """Keep a content of at most so many bytes; raises Invalid (`file_too_large`) and keeps nothing."""
        try:
            return self._save(ids.new_guid().hex, chunks, most)
        except ConnectionError:  # what sends the content broke off; the disk is well
            raise
        except OSError as error:
            logger.error("a file cannot be kept: %s", error)
            raise Away("disk_away") from error

    def _save(self, key: str, chunks: Iterable[bytes], most: int) -> KeptContent:
        target = self._where(key)
        make_private(target.parent)
        draft = target.with_suffix(".part")
        size, digest, head = 0, hashlib.sha256(), b""
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        raise Invalid("file_too_large", field="data", most=most // 1024 // 1024)
                    digest.update(chunk)
                    head += chunk[: HEAD - len(head)]
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(target)
            _settle(target.parent)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            raise
        return KeptContent(key, size, digest.hexdigest(), head)

    def open(self, key: str) -> BinaryIO:
        """The content of a key, to be closed by the caller; raises FileNotFoundError."""
        return self._where(key).open("rb")

    def delete(self, key: str) -> None:
        """Forget a content; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._where(key).unlink()

    def kept(self, part: int) -> Iterator[tuple[str, datetime]]:
        """The keys of a part, each with the moment at which it was kept; drafts that a crash left there are removed."""
        for path in self._path.glob(f"{part:02x}/??/*"):
            with contextlib.suppress(FileNotFoundError):
                moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if path.suffix == ".part":
                    _forget_old_draft(path, moment)
                elif _KEY.match(path.name):
                    yield path.name, moment

    def _where(self, key: str) -> Path:
        """The path of a key; its last characters make the folders, for the first are those of the time."""
        if not _KEY.match(key):
            raise FileNotFoundError("this is no key of the storage")
        return self._path / key[-2:] / key[-4:-2] / key


def storage() -> Storage:
    """The storage of this installation."""
    config = settings.CONFIG
    return LocalFolder((config.files_dir or config.data_dir / "files").absolute())


def _settle(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget_old_draft(path: Path, moment: datetime) -> None:
    if (datetime.now(UTC) - moment).total_seconds() > 24 * 3600:
        path.unlink()
