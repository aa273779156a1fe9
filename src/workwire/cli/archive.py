"""What a backup is: one tar archive with a manifest, a whole copy of the database, the stored files and the key file.

`manifest.json` comes first and says of which release, kind of database and migrations the rest is. An archive is written
beside its place and renamed when it is whole, readable by its owner only, for it may hold the key.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from workwire import config
from workwire.cli import one_line
from workwire.config import Config

MANIFEST, KEY, FILES = "manifest.json", "secret.key", "files"
EMBEDDED, SERVER = "database.sqlite3", "database.dump"
FORMAT = 1
LARGEST_MANIFEST = 1024 * 1024
_FILE = re.compile(r"files/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself; `database` is the name of its member."""

    format: int
    release: str
    created_at: str
    database: str
    migrations: list[str]
    with_key: bool


def files_folder(settings: Config) -> Path:
    """Where the installation keeps its files."""
    return (settings.files_dir or settings.data_dir / FILES).absolute()


def copy_embedded(source: Path, target: Path) -> None:
    """A whole copy of a database that is in use, what its log holds included; a transaction under way is not in it."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
        (found,) = new.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise click.ClickException(f"The copy of the database is damaged ({found}); it is not kept.")


def dump_server(url: str, target: Path) -> None:
    """A dump of a PostgreSQL database, as of one moment."""
    _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(target)], url)


def restore_server(url: str, source: Path) -> None:
    """Fill an empty PostgreSQL database from a dump, all or nothing."""
    words = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run([*words, str(source)], url)


def _run(words: list[str], url: str) -> None:
    """Run a program of PostgreSQL on a database; the password goes in the environment, where no list of processes shows it."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    program = shutil.which(words[0])
    if program is None:
        raise click.ClickException(
            f"`{words[0]}` is not found; install PostgreSQL's client programs, of the server's version or later, and have "
            "them in PATH."
        )
    parts: dict[str, Any] = conninfo_to_dict(url)
    password = str(parts.pop("password", "") or "")
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, with words of our own
        [program, f"--dbname={make_conninfo(**parts)}", *words[1:]],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{words[0]} failed: {config.shown(done.stderr)[-500:]}.")


@contextmanager
def writing(target: Path) -> Iterator[tarfile.TarFile]:
    """An archive that appears at its place when it is whole, or not at all."""
    handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=5) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        Path(draft).rename(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def add_text(archive: tarfile.TarFile, name: str, text: bytes) -> None:
    """Put a short text into an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o600
    archive.addfile(entry, io.BytesIO(text))


def add_files(archive: tarfile.TarFile, folder: Path) -> int:
    """Put the stored files into an archive; one that is swept away meanwhile is left out. Returns how many."""
    count = 0
    for path in sorted(folder.glob("??/??/*")):
        name = f"{FILES}/{path.relative_to(folder).as_posix()}"
        if not _FILE.fullmatch(name):
            continue
        try:
            archive.add(path, name, recursive=False)
        except FileNotFoundError:
            continue
        count += 1
    return count


def manifest_text(manifest: Manifest) -> bytes:
    """A manifest as it is written."""
    return json.dumps(asdict(manifest), indent=2).encode() + b"\n"


def read_manifest(archive: tarfile.TarFile) -> Manifest:
    """The manifest of an archive, which stands first; raises ClickException for an archive that is none of ours."""
    entry = archive.next()
    if entry is None or entry.name != MANIFEST or not entry.isfile() or entry.size > LARGEST_MANIFEST:
        raise click.ClickException("This is no backup of Workwire: it does not begin with a manifest.")
    content = archive.extractfile(entry)
    try:
        told = Manifest(**json.loads(content.read() if content else b""))
    except (ValueError, TypeError) as error:
        raise click.ClickException("This is no backup of Workwire: its manifest cannot be read.") from error
    if told.format != FORMAT or told.database not in (EMBEDDED, SERVER):
        raise click.ClickException(
            f"This backup was made by Workwire {told.release}, in a form this release cannot read."
        )
    return told


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Put the rest of an archive into a folder; nothing but what a backup holds, and nothing outside of it."""
    for entry in archive:
        if entry.isfile() and (entry.name in (EMBEDDED, SERVER, KEY) or _FILE.fullmatch(entry.name)):
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            content = archive.extractfile(entry)
            if content is not None:
                with content, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    shutil.copyfileobj(content, file)


def unreadable(error: Exception, path: Path) -> click.ClickException:
    """That an archive cannot be read to its end."""
    return click.ClickException(f"{path} cannot be read: {one_line(error)}. Nothing was restored.")
