"""`workwire administrator`: the first account of an installation."""

from __future__ import annotations

from pathlib import Path

import click

from workwire.cli import open_installation
from workwire.cli.options import apply


@click.command()
@click.argument("username")
@click.option("--full-name", default="", help="The person's name.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
@click.option("--password", help="Asked for when it is not given.")
def administrator(username: str, full_name: str, data: Path | None, password: str | None) -> None:
    """Make an account with the roles Team Leader and Administrator."""
    apply(data_dir=data and data.absolute())
    open_installation()
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    from workwire.access import commands, queries
    from workwire.kernel.actor import SYSTEM
    from workwire.kernel.errors import DomainError

    roles = [role for role in queries.roles() if role.name in ("Team Leader", "Administrator")]
    try:
        commands.create_user(username, full_name, roles, password=password, by=SYSTEM)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{username} may log in and administer this installation.")
