"""`workwire webhooks subscribe`: a first subscription from the command line, for an account of the installation."""

from __future__ import annotations

from uuid import UUID

import click

from workwire.cli import open_installation
from workwire.cli.options import refusals, with_data

FILTERS = ("company", "contract", "service", "packet", "schedule")


@click.command()
@click.argument("webhook")
@click.argument("url")
@click.option("--as", "username", required=True, help="User name of the account that is to own it.")
@click.option("--filter", "filter_type", type=click.Choice(FILTERS), help="Kind of object it is for.")
@click.option("--object", "filter_guid", type=click.UUID, help="GUID of that object.")
@click.option("--header", nargs=2, metavar="NAME VALUE", help="A header of your own, sent with every message.")
@with_data
def subscribe(
    webhook: str,
    url: str,
    username: str,
    filter_type: str | None,
    filter_guid: UUID | None,
    header: tuple[str, str] | None,
) -> None:
    """Subscribe an account to a webhook; the secret is shown this once.

    Standard output holds the subscription and the secret as a shell reads them: eval "$(workwire webhooks subscribe …)".
    """
    open_installation()
    from workwire.access import queries, sessions
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import catalogue, commands

    hook = catalogue.by_name_or_number(webhook)
    if hook is None:
        raise click.ClickException(f"There is no webhook {webhook}; `workwire webhooks catalogue` lists them.")
    account = queries.user_called(username)
    if account is None or not account.is_active:
        raise click.ClickException(f"There is no active account {username}.")
    terms = commands.Terms(
        webhook=hook.number,
        url=url,
        filter_type=ObjectType[filter_type.upper()] if filter_type else ObjectType.NONE,
        filter_guid=filter_guid,
        header_name=header[0] if header else "",
        header_value=header[1] if header else None,
    )
    with refusals():
        made, secret = commands.subscribe(terms, by=sessions.actor_for(account))
    click.echo(f"subscription={made.guid}\nsecret={secret}")
    click.echo(f"{account.username} is subscribed to {hook.name}. Keep the secret: it is not shown again.", err=True)
