"""What an installation has outside its database: its folders and its key file, closed to other accounts of the machine.

A command that only looks makes nothing: see `making_nothing`.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from workwire.config import Config, ConfigError
from workwire.kernel.folders import make_private, make_private_file, tighten
from workwire.setting_forms import is_key

_MAKES = ContextVar("makes", default=True)
_OURS = ("workwire", "secret.key", "files", "demo")  # how the names of all that we make in a data folder begin


@contextmanager
def making_nothing() -> Iterator[None]:
    """Let settings be read for a while without making any part of an installation that is missing."""
    before = _MAKES.set(False)
    try:
        yield
    finally:
        _MAKES.reset(before)


def makes_what_is_missing() -> bool:
    """Whether folders and the key file may be made."""
    return _MAKES.get()


def make_folder(folder: Path) -> None:
    """Make the folder of the embedded database, for its owner only, where it is missing; raises ConfigError where that cannot
    be."""
    try:
        make_private(folder)
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be made: {error}; set WORKWIRE_DATA_DIR.") from error


def private_paths(config: Config) -> list[Path]:
    """What of an installation other accounts of the machine must not read. The data folder is named only where nothing but
    ours lies in it: somebody may have named a folder that is shared for another reason."""
    data = config.data_dir.absolute()
    found = [data / "secret.key", data / "demo.json", (config.files_dir or data / "files").absolute()]
    if not config.is_postgresql:
        database = config.database.removeprefix("sqlite:///")
        found += [Path(f"{database}{end}") for end in ("", "-wal", "-shm", "-journal")]
        found += [Path(database).with_suffix(end) for end in (".worker", ".wake")]
    with suppress(OSError):
        if all(path.name.startswith(_OURS) for path in data.iterdir()):
            found.append(data)
    return found


def keep_private(config: Config, *, making: bool = False) -> None:
    """Close what other accounts must not read, also where an earlier release or a careless copy left it open; makes an
    embedded database that is missing, private from its first byte, if wanted."""
    if making and not config.is_postgresql:
        make_private_file(Path(config.database.removeprefix("sqlite:///")))
    for path in private_paths(config):
        tighten(path)


def secret_keys(config: Config) -> list[str]:
    """The Fernet keys, newest first; makes the data folder's key file (mode 0600) when none is set. Where nothing may be made
    they are then good for this process only."""
    if config.secret_keys:
        return config.secret_keys
    path = config.data_dir / "secret.key"
    fresh = urlsafe_b64encode(os.urandom(32))
    try:
        if not makes_what_is_missing():
            return _read_keys(path) if path.exists() else [fresh.decode()]
        make_private(config.data_dir)
        draft = config.data_dir / f"secret.key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_bytes(fresh + b"\n")
        try:
            os.link(draft, path)  # two processes starting at once: the first link wins, both read the same key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return _read_keys(path)
    except OSError as error:
        raise ConfigError(f"The key file {path} cannot be read or made: {error}; set WORKWIRE_DATA_DIR.") from error


def _read_keys(path: Path) -> list[str]:
    keys = path.read_text(errors="replace").split()
    if not keys or not all(map(is_key, keys)):
        raise ConfigError(f"The key file {path} holds something else than Fernet keys; bring the right one back.")
    return keys
