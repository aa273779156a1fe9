"""`workwire backup`: the whole installation in one file, while it runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from workwire import __version__, config
from workwire.cli import archive, open_installation
from workwire.cli.options import with_data
from workwire.kernel import clock


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-key", is_flag=True, help="Leave the key file out; keep it elsewhere.")
@with_data
def backup(target: Path, without_key: bool) -> None:
    """Write database, files and key to TARGET.tar.gz; the installation may run meanwhile."""
    target = target.absolute()
    if target.exists():
        raise click.ClickException(f"{target} is there already; nothing is written over it.")
    if not target.parent.is_dir():
        raise click.ClickException(f"The folder {target.parent} does not exist.")
    open_installation()
    settings = config.load()
    key = settings.data_dir.absolute() / archive.KEY
    with_key = key.exists() and not settings.secret_keys and not without_key
    try:
        count = _write(target, key if with_key else None)
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}.") from error
    click.echo(f"{target} holds the database and {count} files.")
    if with_key:
        click.echo("It holds the key file, too: keep it as safe as the installation itself.")
    else:
        click.echo("It holds no key: keep the keys elsewhere, for without them no stored secret can be read.")


def _write(target: Path, key: Path | None) -> int:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    settings = config.load()
    applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    name = archive.SERVER if settings.is_postgresql else archive.EMBEDDED
    told = archive.Manifest(
        archive.FORMAT, __version__, clock.rfc3339(clock.now()) or "", name, applied, with_key=key is not None
    )
    with archive.writing(target) as made:
        archive.add_text(made, archive.MANIFEST, archive.manifest_text(told))
        with tempfile.TemporaryDirectory(prefix=".workwire-backup-", dir=target.parent) as folder:
            database = Path(folder, name)
            if settings.is_postgresql:
                archive.dump_server(settings.database, database)
            else:
                archive.copy_embedded(Path(str(connection.settings_dict["NAME"])), database)
            made.add(database, name)
        if key is not None:
            archive.add_text(made, archive.KEY, key.read_bytes())
        # After the database: a content is kept before the row that names it.
        return archive.add_files(made, archive.files_folder(settings))
