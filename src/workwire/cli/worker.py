"""`workwire worker`: the process that works in the background."""

from __future__ import annotations

from pathlib import Path

import click

from workwire import config
from workwire.cli import open_installation
from workwire.cli.options import apply

ONE_IS_THERE = 75  # exit status of a worker whose database has one already (EX_TEMPFAIL of sysexits.h)


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
def worker(data: Path | None) -> None:
    """Run a worker until SIGTERM; on PostgreSQL as many as you like."""
    apply(data_dir=data and data.absolute())
    check_connection_is_its_own()
    open_installation(server_may_be_away=True)
    from django.db import connection

    from workwire.worker.main import AnotherWorker, LeftAlone, main

    connection.close()  # the worker's own sessions begin otherwise

    try:
        main()
    except AnotherWorker as error:
        raise _OneIsThere(str(error)) from error
    except LeftAlone as error:
        raise click.ClickException(f"{error} The worker ends.") from error


class _OneIsThere(click.ClickException):
    exit_code = ONE_IS_THERE


def check_connection_is_its_own() -> None:
    """Refuse a pooled connection with a sentence: raises ClickException."""
    if config.load().database_pooled:
        raise click.ClickException(
            "A worker listens and keeps its statements in the server, which a pooler in transaction mode breaks: "
            "give it a WORKWIRE_DATABASE_URL that leads to PostgreSQL itself, and leave WORKWIRE_DATABASE_POOLED unset."
        )
