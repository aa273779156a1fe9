"""`workwire restored`: begin a new epoch after a restore."""

from __future__ import annotations

import click

from workwire.cli import open_installation
from workwire.cli.options import with_data


@click.command()
@with_data
def restored() -> None:
    """Begin a new epoch after a restore, tell the subscribers and resume sending."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import epochs

    began = epochs.begin(by=SYSTEM)
    click.echo(f"Epoch {began} begins; the owners of subscriptions are told. Sending goes on from here.")
