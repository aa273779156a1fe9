"""Folders that may not be there yet."""

from __future__ import annotations

from pathlib import Path


def nearest(folder: Path) -> Path:
    """The folder itself if it is there, otherwise the nearest one above it that is."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.is_dir())
