"""`workwire administrator`: the first account of an installation."""

from __future__ import annotations

import click

from workwire.cli import open_installation
from workwire.cli.options import ask_password, refusals, with_data


@click.command()
@click.argument("username")
@click.option("--full-name", default="", help="The person's name.")
@click.option("--language", default="", help="Language to speak to the person, as en; empty asks the browser.")
@click.option("--time-zone", default="", help="Time zone to show times in, as Europe/Paris; empty asks the browser.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@with_data
def administrator(username: str, full_name: str, language: str, time_zone: str, password_stdin: bool) -> None:
    """Create an account with the roles Team Leader and Administrator."""
    open_installation()
    from workwire.access import commands, queries
    from workwire.kernel.actor import SYSTEM

    password = ask_password(from_stdin=password_stdin)
    roles = [role for role in queries.roles() if role.name in ("Team Leader", "Administrator")]
    with refusals():
        commands.create_user(
            username, full_name, roles, password=password, language=language, time_zone=time_zone, by=SYSTEM
        )
    click.echo(f"{username} may log in and administer this installation.")
