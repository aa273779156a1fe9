"""`workwire webhooks`: what can be subscribed to, a local receiver, simulated messages, the live log."""

from __future__ import annotations

import json
import time
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from workwire.cli import setup_django
from workwire.cli.receiver import Received, Receiver
from workwire.reactions.webhooks import signing

TAIL_EVERY = 0.5


@click.group()
def webhooks() -> None:
    """Catalogue, local receiver, simulated messages, live log."""


@webhooks.command()
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON, schemas and samples included.")
def catalogue(as_json: bool) -> None:
    """List the webhooks."""
    setup_django()
    from workwire.reactions.webhooks.catalogue import entries

    if as_json:
        click.echo(json.dumps(entries(), indent=2))
        return
    table = Table("No.", "Webhook", "Fires when", "Filter")
    for entry in entries():
        filters = ", ".join(wanted["type"] for wanted in entry["filters"])
        table.add_row(str(entry["number"]), entry["name"], entry["fires_when"], filters)
    Console().print(table)


@webhooks.command()
@click.option("--port", type=click.IntRange(1, 65535), default=9000, show_default=True)
@click.option("--secret", help="The subscription's secret (whsec_…); without it nothing is verified.")
@click.option("--subscription", type=click.UUID, help="Expect messages of this subscription only.")
@click.option("--fail", type=click.IntRange(0), default=0, help="Answer 500 so often first.")
@click.option("--status", type=click.IntRange(200, 599), default=204, show_default=True, help="What to answer.")
@click.option("--once", type=click.IntRange(1), help="End after so many messages.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each message.")
def listen(
    port: int,
    secret: str | None,
    subscription: UUID | None,
    fail: int,
    status: int,
    once: int | None,
    as_json: bool,
) -> None:
    """Receive webhooks on this machine, verify and print them; exit 1 if one did not verify."""
    if subscription and not secret:
        raise click.UsageError("--subscription needs --secret.")
    if secret:
        try:
            signing.check_secret(secret)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--secret") from error
    expected = {str(subscription) if subscription else "": secret} if secret else {}
    show = _show_json if as_json else _show
    receiver = Receiver(port=port, secrets=expected, status=status, fail_first=fail, on_message=show)
    try:
        receiver.start()
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be listened on: {error}.") from error
    click.echo(f"Listening on http://127.0.0.1:{receiver.port}/ (Ctrl-C ends it).", err=True)
    try:
        while once is None or len(receiver.messages) < once:
            time.sleep(0.05)
    except KeyboardInterrupt:
        pass
    finally:
        receiver.stop()
    if any(not message.verified for message in receiver.messages):
        raise SystemExit(1)


@webhooks.command()
@click.argument("subscription", type=click.UUID)
@click.option("--seconds", type=click.FloatRange(0, 120), default=20.0, show_default=True, help="How long to wait.")
def trigger(subscription: UUID, seconds: float) -> None:
    """Send a sample message to a subscription, marked as a test; exit 1 if the endpoint did not take it."""
    setup_django()
    from workwire.kernel.actor import SYSTEM
    from workwire.kernel.errors import DomainError
    from workwire.reactions.webhooks import queries, repair
    from workwire.reactions.webhooks.models import State

    try:
        delivery = repair.wait_for_end(repair.simulate(subscription, by=SYSTEM), seconds=seconds)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    last = queries.attempts(delivery).last()
    if delivery.state == State.DELIVERED and last is not None:
        click.echo(f"The endpoint answered {last.status} in {last.duration:.3f} s.")
        return
    if last is not None:
        raise click.ClickException(f"The endpoint failed: {last.status or last.error} {last.detail}".strip())
    if delivery.state == State.WITHHELD:
        raise click.ClickException(f"Withheld: {delivery.end_reason}.")
    raise click.ClickException("Nobody sent it yet; is a dispatcher running? See `workwire doctor`.")


@webhooks.command()
@click.option("--subscription", type=click.UUID, help="Only this subscription.")
@click.option(
    "--last", type=click.IntRange(0, 200), default=20, show_default=True, help="Begin with so many past ones."
)
@click.option("--once", is_flag=True, help="Print those and end.")
def tail(subscription: UUID | None, last: int, once: bool) -> None:
    """Print attempts as they are made."""
    setup_django()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks.queries import latest_attempts

    console, position = Console(highlight=False, soft_wrap=True), 0
    rows = latest_attempts(SYSTEM, subscription_guid=subscription, limit=last)
    try:
        while True:
            for row in rows:
                position = max(position, row.pk)
                result = row.status or row.error
                console.print(
                    f"{row.started_at:%H:%M:%S.%f}  {row.delivery.subscription.guid}  attempt {row.number}  "
                    f"{result}  {row.duration * 1000:.0f} ms  {row.delivery.get_state_display()}"
                )
            if once:
                return
            time.sleep(TAIL_EVERY)
            rows = latest_attempts(SYSTEM, subscription_guid=subscription, after=position)
    except KeyboardInterrupt:
        return


def _show(message: Received) -> None:
    state = "verified" if message.verified else f"REFUSED: {message.problem}"
    click.echo(f"{message.header('Webhook-Event')}  {message.header('Webhook-Id')}  {state}")
    click.echo(json.dumps(message.body, indent=2))


def _show_json(message: Received) -> None:
    click.echo(
        json.dumps(
            {
                "path": message.path,
                "headers": message.headers,
                "body": message.body,
                "problem": message.problem,
            }
        )
    )
