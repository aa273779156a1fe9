"""`workwire password`: a new password for an account whose owner has lost it, or a link to set one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workwire.cli import open_installation
from workwire.cli.options import ask_password, refusals, with_data

if TYPE_CHECKING:
    from workwire.access.models import User


@click.command()
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@click.option(
    "--link", is_flag=True, help="Set no password; print a link by which its owner sets one, once within a day."
)
@click.option(
    "--remove-second-factor", "removes", is_flag=True, help="Set no password; remove a second factor that is lost."
)
@with_data
def password(username: str, password_stdin: bool, link: bool, removes: bool) -> None:
    """Set an account's password, or make a link to set it; its logins end."""
    open_installation()
    from workwire.access import commands, queries
    from workwire.kernel.actor import SYSTEM

    account = queries.user_called(username)
    if account is None:
        raise click.ClickException(f"There is no account {username}.")
    if link:
        click.echo(_link(account))
        return
    if removes:
        with refusals():
            commands.remove_second_factor(account, by=SYSTEM)
        click.echo(f"{account.username} signs in with the password alone from now on; earlier logins have ended.")
        return
    given = ask_password(from_stdin=password_stdin)
    with refusals():
        commands.set_password(account, given, by=SYSTEM)
    click.echo(f"{account.username} logs in with the new password from now on; earlier logins have ended.")
    if not account.is_active:
        click.echo("The account is retired, though; an administrator can bring it back.", err=True)


def _link(account: User) -> str:
    """A link to set the password: a whole address where the installation knows its own, else the path."""
    from workwire.access import commands, usable_links
    from workwire.kernel.actor import SYSTEM

    with refusals():
        _made, token = commands.give_link(account, by=SYSTEM)
    return usable_links.address_of(token)
