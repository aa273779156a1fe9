"""Folders that may not be there yet, and what other accounts of the machine may not read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def nearest(folder: Path) -> Path:
    """The folder itself if it is there, otherwise the nearest one above it that is."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def make_private(folder: Path) -> None:
    """Make a folder, and those missing above it, for its owner only; one that is there stays as it is."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(PRIVATE_FOLDER, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file for its owner only, unless there is one."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))


def is_open_to_others(path: Path) -> bool:
    """Whether the group or everybody may do anything with a file or folder; not where there is none."""
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False


def tighten(path: Path) -> None:
    """Close a file or folder to all but its owner; leaves what is not there or belongs to another account."""
    if is_open_to_others(path):
        with contextlib.suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
