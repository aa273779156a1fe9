"""`workwire password`: a new password for an account whose owner has lost it."""

from __future__ import annotations

import click

from workwire.cli import open_installation
from workwire.cli.options import ask_password, refusals, with_data


@click.command()
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@with_data
def password(username: str, password_stdin: bool) -> None:
    """Set an account's password; its logins end."""
    open_installation()
    from workwire.access import commands, queries
    from workwire.kernel.actor import SYSTEM

    account = queries.user_called(username)
    if account is None:
        raise click.ClickException(f"There is no account {username}.")
    given = ask_password(from_stdin=password_stdin)
    with refusals():
        commands.set_password(account, given, by=SYSTEM)
    click.echo(f"{account.username} logs in with the new password from now on; earlier logins have ended.")
    if not account.is_active:
        click.echo("The account is retired, though; an administrator can bring it back.", err=True)
