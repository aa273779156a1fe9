"""Checks of what an installation has outside its database, as the process that looks sees it."""

from __future__ import annotations

import os
import stat
from datetime import timedelta

from workwire import config, installation
from workwire.checks import sentences as _sentences  # noqa: F401 - registers; the command line looks before Django is loaded
from workwire.checks.outcomes import Finding, well, wrong
from workwire.kernel import clock
from workwire.kernel.certificates import count_trusted_in, last_end_in, system_authorities
from workwire.kernel.folders import is_open_to_others, nearest
from workwire.kernel.wording import statement

SOON = timedelta(days=30)  # before the certificates end


def findings() -> list[Finding]:
    """What all of these checks find."""
    return [data_folder(), key_file(), privacy(), authorities()]


def data_folder() -> Finding:
    """The data folder can be written, or made where it has not been needed so far."""
    settings = config.load()
    folder = settings.data_dir.absolute()
    if folder.is_dir():
        if not os.access(folder, os.W_OK):
            return wrong(
                "data_folder",
                statement("data_folder_closed", folder=str(folder)),
                statement("data_folder_closed.advice"),
            )
        return well("data_folder", statement("data_folder_there", folder=str(folder)))
    if not settings.database_url or not settings.secret_keys:
        return wrong(
            "data_folder", statement("data_folder_missing", folder=str(folder)), statement("data_folder_missing.advice")
        )
    if settings.files_dir is None and not os.access(nearest(folder), os.W_OK):
        return wrong(
            "data_folder",
            statement("data_folder_impossible", folder=str(folder)),
            statement("data_folder_impossible.advice"),
        )
    return well("data_folder", statement("data_folder_not_needed", folder=str(folder)))


def key_file() -> Finding:
    """The key of the stored secrets is there."""
    settings = config.load()
    if settings.secret_keys:
        return well("key_file", statement("keys_from_setting"))
    path = settings.data_dir / "secret.key"
    if not path.exists():
        return wrong("key_file", statement("key_file_missing", path=str(path)), statement("key_file_missing.advice"))
    return well("key_file", statement("key_file_there"))


def privacy() -> Finding:
    """Other accounts of the machine can open nothing of the installation."""
    opened = [path for path in installation.private_paths(config.load()) if is_open_to_others(path)]
    if not opened:
        return well("privacy", statement("files_private"))
    names = [f"{path} (mode {stat.S_IMODE(path.stat().st_mode):o})" for path in opened]
    return wrong("privacy", statement("files_open", paths=names), statement("files_open.advice"))


def authorities() -> Finding:
    """Endpoints with TLS can be trusted by something."""
    path = config.load().webhook_ca_bundle or system_authorities()
    if path is None:
        return wrong("authorities", statement("authorities_missing"), statement("authorities_missing.advice"))
    try:
        count = count_trusted_in(path)
    except ValueError as error:
        return wrong(
            "authorities", statement("authorities_broken", error=str(error)), statement("authorities_missing.advice")
        )
    end = last_end_in(path)
    if end is not None and end < clock.now() + SOON:
        said = statement("authorities_ending", path=str(path), day=f"{end:%Y-%m-%d}")
        return wrong("authorities", said, statement("authorities_ending.advice"))
    return well("authorities", statement("authorities_there", count=count, path=str(path)))
