"""`workwire resume-sending`: this copy is the one that sends."""

from __future__ import annotations

import click

from workwire.cli import open_installation
from workwire.cli.options import with_data


@click.command("resume-sending")
@with_data
def resume_sending() -> None:
    """Resume sending here, after data were moved without losing anything."""
    open_installation()
    from workwire.outbox import restores

    restores.release()
    click.echo("Sending goes on from here. If the original is still there, it must not send any more.")
    if restores.held():
        click.echo(f"It is held all the same: {restores.explained(restores.held())}", err=True)
