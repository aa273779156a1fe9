"""The one front door for operators: `workwire up · demo · web · dispatch · migrate · …`.

Commands are loaded when they are called, so that `--help` is quick and a broken setting stops only with a sentence.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from workwire import __version__
from workwire.config import ConfigError

COMMANDS = {
    "up": ("serving", "Migrate, then run web and dispatcher under one supervisor."),
    "demo": ("showing", "Show the main job live on a sample organisation."),
    "web": ("serving", "Run the web server."),
    "dispatch": ("serving", "Run a dispatcher."),
    "migrate": ("serving", "Bring the database up to date."),
    "administrator": ("accounts", "Make the first administrator."),
    "doctor": ("doctor", "Say what is wrong, in sentences."),
    "replay": ("replaying", "Play an event log (XES) as cases."),
    "webhooks": ("hooks", "Catalogue, local receiver, simulated messages, live log."),
    "docs": ("documenting", "Write the generated pages of docs/reference."),
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
        module = importlib.import_module(f"workwire.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="workwire")
def workwire() -> None:
    """Open, self-hosted work orchestration whose heart is a webhook provider."""


def main() -> None:
    """Run the command line; a setting that is wrong ends it with one sentence and exit status 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workwire.settings")
    try:
        workwire()
    except ConfigError as error:
        click.echo(f"workwire: {error}", err=True)
        sys.exit(2)


def setup_django() -> None:
    """Load Django; every command that touches the database calls this first."""
    import django

    django.setup()


def one_line(error: Exception) -> str:
    """What an error says, as part of a sentence: without line breaks and without a full stop."""
    return " ".join(str(error).split()).rstrip(".?!")
