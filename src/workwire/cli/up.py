"""`workwire up`: a whole installation on one host."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from workwire import config
from workwire.cli import setup_django
from workwire.cli.listening import check_free, url_of
from workwire.cli.migrate import migrate_database
from workwire.cli.options import apply, with_address
from workwire.cli.supervisor import ChildSpec, Supervisor
from workwire.cli.worker import ONE_IS_THERE, check_connection_is_its_own

START_SECONDS = 60.0
WORKED_ON = "Workwire works on this data already, in another process; end that one first."


def children() -> Sequence[ChildSpec]:
    """The processes of one installation on one host."""
    command = [sys.executable, "-m", "workwire"]
    worker = ChildSpec("worker", [*command, "worker"], final=frozenset({ONE_IS_THERE}))
    return ChildSpec("web", [*command, "web", "--quiet"]), worker


@click.command()
@with_address
def up(host: str | None, port: int | None, data: Path | None) -> None:
    """Migrate, then run web and worker under one supervisor until Ctrl-C."""
    apply(host=host, port=port, data_dir=data and data.absolute())
    settings = config.load()
    check_connection_is_its_own()
    check_free(settings.host, settings.port)
    check_alone()
    migrate_database()
    from django.db import connection

    from workwire.access import queries

    supervisor = Supervisor(children())
    supervisor.start()
    base_url = url_of(settings.host, settings.port)
    if not supervisor.wait_ready(f"{base_url}/health/live", START_SECONDS):
        supervisor.stop()
        raise not_started(supervisor)
    click.echo(f"Workwire is up at {base_url}/ (Ctrl-C drains and stops).")
    if not queries.has_accounts():
        click.echo("There is no account yet. Make the first administrator in another terminal, with the same settings:")
        click.echo(f"  bin/workwire administrator NAME --data {shlex.quote(str(settings.data_dir.absolute()))}")
    connection.close()
    status = supervisor.run()
    if supervisor.ended_for_good:
        raise not_started(supervisor)
    sys.exit(status)


def check_alone() -> None:
    """Refuse an embedded database that another process works on: raises ClickException, before anything is changed."""
    setup_django()
    from workwire.worker.main import is_served

    if is_served():
        raise click.ClickException(WORKED_ON)


def not_started(supervisor: Supervisor, *, says_why: str = "") -> click.ClickException:
    """Why an installation is not up."""
    if supervisor.ended_for_good:
        return click.ClickException(WORKED_ON)
    return click.ClickException(
        f"Workwire did not start; {says_why or 'the lines above'} say{'s' if says_why else ''} why."
    )
