"""Running the product: `up`, `web`, `worker`, `migrate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from workwire import config
from workwire.cli import missing_migrations, no_answer, open_installation, setup_django
from workwire.cli.listening import check_free, url_of
from workwire.cli.supervisor import ChildSpec, Supervisor

START_SECONDS = 60.0
PORT_PATIENCE = 5.0  # seconds for the workers of a server that was killed
ONE_IS_THERE = 75  # exit status of a worker whose database has one already (EX_TEMPFAIL of sysexits.h)
F = TypeVar("F", bound=Callable[..., Any])


def with_address(command: F) -> F:
    """The options that say where the web server listens and where the data lies; they become settings."""
    for option in (
        click.option("--host", help="Address to listen on."),
        click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on."),
        click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder."),
    ):
        command = option(command)
    return command


def apply(**settings: object) -> None:
    """Turn options that were given into settings, for this process and its children."""
    for name, value in settings.items():
        if value is not None:
            os.environ[f"WORKWIRE_{name.upper()}"] = str(value)
    config.load.cache_clear()


def with_data(command: F) -> F:
    """The option that says where the data lies, which becomes a setting before the command begins."""

    def take(_ctx: click.Context, _param: click.Parameter, data: Path | None) -> None:
        apply(data_dir=data and data.absolute())

    kind = click.Path(file_okay=False, path_type=Path)
    return click.option("--data", type=kind, help="Data folder.", expose_value=False, callback=take)(command)


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
    _check_connection_is_its_own()
    check_free(settings.host, settings.port)
    migrate_database()
    supervisor = Supervisor(children())
    supervisor.start()
    base_url = url_of(settings.host, settings.port)
    if not supervisor.wait_ready(f"{base_url}/health/live", START_SECONDS):
        supervisor.stop()
        raise not_started(supervisor)
    click.echo(f"Workwire is up at {base_url}/ (Ctrl-C drains and stops).")
    status = supervisor.run()
    if supervisor.ended_for_good:
        raise not_started(supervisor)
    sys.exit(status)


def not_started(supervisor: Supervisor) -> click.ClickException:
    """Why an installation is not up."""
    if supervisor.ended_for_good:
        return click.ClickException("Workwire works on this data already, in another process; end that one first.")
    return click.ClickException("Workwire did not start; the lines above say why.")


@click.command()
@with_address
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes.")
@click.option("--quiet", is_flag=True, help="Do not say where it listens.")
def web(host: str | None, port: int | None, data: Path | None, workers: int | None, quiet: bool) -> None:
    """Run the web server until SIGTERM."""
    apply(host=host, port=port, data_dir=data and data.absolute(), web_workers=workers)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    settings = config.load()
    check_free(settings.host, settings.port, patience=PORT_PATIENCE)
    open_installation(server_may_be_away=True)
    from django.db import connection

    connection.close()  # each worker has its own
    if not quiet:
        click.echo(f"The web server listens on {url_of(settings.host, settings.port)}/ (Ctrl-C drains and stops).")
    Granian(
        "workwire.cli.web_process:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        log_level=LogLevels.error,
        workers_kill_timeout=30,
        blocking_threads_idle_timeout=600,  # a thread takes its database connection with it
    ).serve()


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def worker(data: Path | None) -> None:
    """Run a worker until SIGTERM; on PostgreSQL as many as you like."""
    apply(data_dir=data and data.absolute())
    _check_connection_is_its_own()
    open_installation(server_may_be_away=True)
    from django.db import connection

    from workwire.worker.main import AnotherWorker, main

    connection.close()  # the worker's own sessions begin otherwise

    try:
        main()
    except AnotherWorker as error:
        raise _OneIsThere(str(error)) from error


class _OneIsThere(click.ClickException):
    exit_code = ONE_IS_THERE


def _check_connection_is_its_own() -> None:
    if config.load().database_pooled:
        raise click.ClickException(
            "A worker listens and keeps its statements in the server, which a pooler in transaction mode breaks: "
            "give it a WORKWIRE_DATABASE_URL that leads to PostgreSQL itself, and leave WORKWIRE_DATABASE_POOLED unset."
        )


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def migrate(data: Path | None) -> None:
    """Bring the database up to date."""
    apply(data_dir=data and data.absolute())
    migrate_database()


def migrate_database() -> None:
    """Apply what is missing and make the built-in roles; says how many migrations were applied."""
    setup_django()
    from django.core.management import call_command
    from django.db import OperationalError

    from workwire.access.commands import make_built_in_roles
    from workwire.kernel.actor import SYSTEM
    from workwire.rooms.parties.commands import make_built_in_tags

    try:
        missing = missing_migrations()
    except OperationalError as error:
        raise no_answer(error) from error
    if missing:
        click.echo(f"Bringing the database up to date ({len(missing)} migrations) …")
    call_command("migrate", verbosity=0, interactive=False)
    make_built_in_roles(by=SYSTEM)
    make_built_in_tags(by=SYSTEM)
    click.echo("The database is up to date.")
