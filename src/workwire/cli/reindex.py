"""`workwire reindex`: the index of quick find is made anew."""

from __future__ import annotations

import click

from workwire.cli import open_installation
from workwire.cli.options import with_data


@click.command()
@with_data
def reindex() -> None:
    """Have the worker make the index of quick find anew; what is in it stays to be found meanwhile."""
    open_installation()
    from workwire.reactions.finding import rebuilding

    rebuilding.make_all_anew()
    click.echo("The worker makes the index anew; the page of jobs shows how far it is.")
