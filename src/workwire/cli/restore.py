"""`workwire restore`: an installation from a backup, in an empty place; nothing is sent from it until told."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

import click

from workwire import config
from workwire.cli import archive, no_answer, setup_django
from workwire.cli.archive import Manifest
from workwire.cli.migrate import migrate_database
from workwire.cli.options import with_data
from workwire.config import Config
from workwire.kernel.folders import make_private


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_data
def restore(source: Path) -> None:
    """Restore the backup SOURCE.tar.gz into an empty data folder or an empty database; sending is held."""
    settings = config.load()
    _check_empty(settings)
    data = settings.data_dir.absolute()
    make_private(data)
    with tempfile.TemporaryDirectory(prefix="workwire-restore-", dir=data) as folder:
        try:
            with tarfile.open(source, "r:*") as opened:
                told = archive.read_manifest(opened)
                _check_fits(told, settings)
                archive.unpack(opened, Path(folder))
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise archive.unreadable(error, source) from error
        count = _put_in_place(Path(folder), told, settings)
    migrate_database()
    from workwire.outbox import restores

    restores.hold(restores.RESTORED)
    click.echo(f"Restored the backup of {told.created_at} with {count} files.")
    if not told.with_key and not settings.secret_keys:
        click.echo("It held no key: bring the key file back before you start, for stored secrets need it.", err=True)
    click.echo(restores.explained(restores.RESTORED))


def _check_empty(settings: Config) -> None:
    """Refuse to restore over anything: raises ClickException."""
    files, key = archive.files_folder(settings), settings.data_dir / archive.KEY
    if not settings.is_postgresql and Path(settings.database.removeprefix("sqlite:///")).exists():
        raise click.ClickException(
            f"There is a database in {settings.database} already; restore into another folder (--data), or move it away."
        )
    if files.is_dir() and any(files.glob("??/??/*")):
        raise click.ClickException(
            f"There are files in {files} already; restore into another folder, or move them away."
        )
    if key.exists() and not settings.secret_keys:
        raise click.ClickException(f"There is a key in {key} already; restore into another folder, or move it away.")
    if settings.is_postgresql:
        _check_empty_server()


def _check_empty_server() -> None:
    setup_django(making=False)
    from django.db import DatabaseError, connection

    try:
        tables = connection.introspection.table_names()
    except DatabaseError as error:
        raise no_answer(error) from error
    finally:
        connection.close()
    if tables:
        raise click.ClickException(
            "The database is not empty; make an empty one and name it in WORKWIRE_DATABASE_URL, as with `createdb`."
        )


def _check_fits(told: Manifest, settings: Config) -> None:
    """Refuse a backup of another kind of database, or of a newer release: raises ClickException."""
    if (told.database == archive.SERVER) != settings.is_postgresql:
        kind = "PostgreSQL" if told.database == archive.SERVER else "the embedded database"
        raise click.ClickException(f"This is a backup of {kind}; name such a database in WORKWIRE_DATABASE_URL.")
    setup_django(making=False)
    from django.db.migrations.loader import MigrationLoader

    disk = MigrationLoader(None).disk_migrations
    known = {f"{app}.{name}" for app, name in disk} | {f"{a}.{n}" for one in disk.values() for a, n in one.replaces}
    newer = [one for one in told.migrations if one not in known]
    if newer:
        raise click.ClickException(
            f"This backup is of a newer release ({told.release}; it has {newer[-1]}, which this one lacks); install that one."
        )


def _put_in_place(folder: Path, told: Manifest, settings: Config) -> int:
    """Bring what was unpacked where it belongs, the database last; returns how many files."""
    database = folder / told.database
    if not database.exists():
        raise click.ClickException("This backup lacks its database. Nothing was restored.")
    if (folder / archive.KEY).exists() and not settings.secret_keys:
        (folder / archive.KEY).rename(settings.data_dir.absolute() / archive.KEY)
    count, target = 0, archive.files_folder(settings)
    for path in (folder / archive.FILES).glob("??/??/*"):
        place = target / path.relative_to(folder / archive.FILES)
        make_private(place.parent)
        shutil.move(path, place)
        count += 1
    if settings.is_postgresql:
        archive.restore_server(settings.database, database)
    else:
        place = Path(settings.database.removeprefix("sqlite:///"))
        make_private(place.parent)
        shutil.move(database, place)
    return count
