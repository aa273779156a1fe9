"""`workwire migrate`: the database as this release needs it."""

from __future__ import annotations

from pathlib import Path

import click

from workwire import config, installation
from workwire.cli import no_answer, setup_django
from workwire.cli.options import apply


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def migrate(data: Path | None) -> None:
    """Bring the database up to date."""
    apply(data_dir=data and data.absolute())
    migrate_database()


def migrate_database() -> None:
    """Apply what is missing and make the built-in roles; says how many migrations were applied."""
    setup_django()
    installation.keep_private(config.load(), making=True)
    from django.core.management import call_command
    from django.db import DatabaseError

    from workwire.access.commands import make_built_in_roles
    from workwire.checks.migration_state import missing_and_unknown, newer_release
    from workwire.kernel.actor import SYSTEM
    from workwire.rooms.parties.commands import make_built_in_tags

    try:
        missing, unknown = missing_and_unknown()
    except DatabaseError as error:
        raise no_answer(error) from error
    if unknown:
        raise click.ClickException(f"{newer_release(unknown)} Install that release, or restore a backup of this one.")
    if missing:
        click.echo("Bringing the database up to date …")
    call_command("migrate", verbosity=0, interactive=False)
    make_built_in_roles(by=SYSTEM)
    make_built_in_tags(by=SYSTEM)
    click.echo("The database is up to date.")
