"""`workwire web`: the web server."""

from __future__ import annotations

import os
import resource
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
GRACE_SECONDS = 20  # until a stop waits for no request any more; less than the supervisor's patience
LARGEST_HEAD = 64 * 1024  # bytes
BACKLOG = 2048
MOST_CONNECTIONS = 8192  # of one web process
SPARE_FILES = 256  # that a web process has open besides connections
PORT_PATIENCE = 5.0  # seconds for the workers of a server that was killed


@click.command()
@with_address
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes.")
@click.option("--quiet", is_flag=True, help="Do not print the address it listens on.")
def web(host: str | None, port: int | None, data: Path | None, workers: int | None, quiet: bool) -> None:
    """Run the web server until SIGTERM."""
    apply(host=host, port=port, data_dir=data and data.absolute(), web_workers=workers)
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
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
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,  # the deadline for heads is one of HTTP/1
        http1_settings=HTTP1Settings(header_read_timeout=settings.client_seconds * 1000, max_buffer_size=LARGEST_HEAD),
        websockets=False,
        workers=settings.web_workers,
        backlog=BACKLOG,
        backpressure=_most_connections(),
        log_level=LogLevels.error,
        workers_kill_timeout=GRACE_SECONDS,
    )
    server.main_loop_interrupt = Mark()  # type: ignore[assignment]  # its signal handlers set this, as an event
    Ties.of_this_process(settings.data_paths).watch(_end)
    server.serve()


def _most_connections() -> int:
    """How many connections a web process holds at a time; asks the system for as many open files as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(SPARE_FILES, min(MOST_CONNECTIONS, max(soft, wanted) - SPARE_FILES))


def _end(reason: str) -> None:
    """Drain this web server, which is left alone, and end it whatever happens."""
    click.echo(f"{reason} The web server ends.", err=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ALONE_SECONDS)
    os._exit(1)
