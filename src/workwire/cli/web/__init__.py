"""`workwire web`: the web server."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import click

from workwire import config
from workwire.cli import open_installation
from workwire.cli.listening import check_free, url_of
from workwire.cli.options import apply, with_address
from workwire.kernel.stopping import Mark, Ties

ALONE_SECONDS = 35.0  # until a web server without supervisor or data ends at the latest
PORT_PATIENCE = 5.0  # seconds for the workers of a server that was killed


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
    server = Granian(
        "workwire.cli.web.process:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        log_level=LogLevels.error,
        workers_kill_timeout=30,
        blocking_threads_idle_timeout=600,  # a thread takes its database connection with it
    )
    server.main_loop_interrupt = Mark()  # type: ignore[assignment]  # its signal handlers set this, as an event
    Ties.of_this_process(settings.data_paths).watch(_end)
    server.serve()


def _end(reason: str) -> None:
    """Drain this web server, which is left alone, and end it whatever happens."""
    click.echo(f"{reason} The web server ends.", err=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ALONE_SECONDS)
    os._exit(1)
