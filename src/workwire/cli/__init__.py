"""The one front door for operators: `workwire up · demo · web · worker · migrate · …`.

A command is the module, or the package, of its name. It is loaded when it is called, so that `--help` is quick and a broken
setting stops only with a sentence.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from workwire import __version__, config, installation
from workwire.config import ConfigError

COMMANDS = {
    "up": "Migrate, then run web and worker under one supervisor.",
    "demo": "Show the main job live on a sample organisation.",
    "web": "Run the web server.",
    "worker": "Run a worker.",
    "migrate": "Bring the database up to date.",
    "administrator": "Create the first administrator.",
    "password": "Set an account's password.",
    "backup": "Write database, files and key to one file.",
    "restore": "Restore a backup; sending is held until `restored`.",
    "restored": "Begin a new epoch after a restore and resume sending.",
    "resume-sending": "Resume sending after the data were moved.",
    "reindex": "Make the index of quick find anew.",
    "doctor": "Check the installation and report what is wrong.",
    "replay": "Play an event log (XES) as cases.",
    "webhooks": "List, subscribe, receive, simulate, replay and watch webhooks.",
    "docs": "Write the generated pages of docs/reference.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None for one that does not exist."""
        if name not in COMMANDS:
            return None
        module_name = name.replace("-", "_")
        module = importlib.import_module(f"workwire.cli.{module_name}")
        command: click.Command = getattr(module, module_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="workwire")
def workwire() -> None:
    """Open, self-hosted work orchestration whose heart is a webhook provider."""


def main() -> None:
    """Run the command line; a setting that is wrong ends it with one sentence and exit status 2, a database that does not
    answer with one and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workwire.settings")
    try:
        workwire(prog_name="workwire")
    except ConfigError as error:
        click.echo(f"workwire: {error}", err=True)
        sys.exit(2)
    except Exception as error:  # raised again unless it says that the database is away
        if not is_database_away(error):
            raise
        no_answer(error).show()
        sys.exit(1)


def setup_django(*, making: bool = True) -> None:
    """Load Django; every command that needs it calls this first, or `open_installation`. The key file and the folder of the
    embedded database are made where they are missing, unless nothing is to be made."""
    import django

    if making:
        django.setup()
        return
    with installation.making_nothing():
        django.setup()


def open_installation(*, server_may_be_away: bool = False) -> None:
    """Load Django on an installation that is there and up to date, and make nothing: raises ClickException with a sentence
    that says what is missing."""
    setup_django(making=False)
    from django.db import DatabaseError, connection

    from workwire.checks.migration_state import missing_and_unknown, newer_release

    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
        raise click.ClickException(
            f"There is no database in {connection.settings_dict['NAME']}; `workwire migrate` makes one, --data names "
            "another folder."
        )
    settings = config.load()
    if not settings.secret_keys and not (settings.data_dir / "secret.key").exists():
        raise click.ClickException(
            f"The key file {settings.data_dir / 'secret.key'} is missing, without which stored secrets cannot be read: bring "
            "it back, or name the folder that has it with --data."
        )
    installation.keep_private(settings)
    try:
        missing, unknown = missing_and_unknown()
    except DatabaseError as error:
        if server_may_be_away and connection.vendor == "postgresql":
            return
        raise no_answer(error) from error
    if missing:
        raise click.ClickException(f"{missing} migrations are missing in the database; run `workwire migrate`.")
    if unknown:
        click.echo(f"Warning: {newer_release(unknown)} It is worked on as it is, for the time of an upgrade.", err=True)


def is_database_away(error: Exception) -> bool:
    """Whether an error says that the database does not answer, or that its file is none."""
    from django.db import DatabaseError, InterfaceError, OperationalError

    return isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError


def no_answer(error: Exception) -> click.ClickException:
    """That the database does not answer, for a command that cannot go on without it."""
    return click.ClickException(f"The database does not answer: {one_line(error)}.")


def one_line(error: Exception) -> str:
    """What an error says, as part of a sentence: without line breaks and without a full stop."""
    return config.shown(error)
