"""`workwire webhooks`: what can be subscribed to, a local receiver, simulated messages, replays, the live log."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from uuid import UUID

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from workwire.cli import open_installation, setup_django
from workwire.cli.options import refusals, with_data
from workwire.cli.receiver import Received, Receiver
from workwire.cli.webhooks.subscribing import subscribe
from workwire.cli.webhooks.tailing import TAIL_EVERY, tail
from workwire.reactions.webhooks import signing

LEAST_WIDTH = 72  # columns in which no word is cut
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
STATES = ("delivered", "withheld", "gave_up")


@click.group()
@with_data
def webhooks() -> None:
    """List, subscribe, receive, simulate, replay and watch webhooks."""


@webhooks.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, with schemas and samples.")
def catalogue(as_json: bool) -> None:
    """List the webhooks."""
    setup_django(making=False)
    from workwire.reactions.webhooks.catalogue import entries

    if as_json:
        click.echo(json.dumps(entries(), indent=2))
        return
    table = Table("No.")
    table.add_column("Webhook", no_wrap=True, min_width=max(len(entry["name"]) for entry in entries()))
    table.add_column("Fires when", overflow="fold")
    table.add_column("Filter", overflow="fold")
    for entry in entries():
        filters = ", ".join(wanted["type"] for wanted in entry["filters"])
        table.add_row(str(entry["number"]), entry["name"], entry["fires_when"], filters)
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)
    console.print(table)


@webhooks.command()
@click.option("--port", type=click.IntRange(1, 65535), default=9000, show_default=True)
@click.option("--secret", help="The subscription's secret (whsec_…); without it nothing is verified.")
@click.option("--subscription", type=click.UUID, help="Expect messages of this subscription only.")
@click.option("--fail", type=click.IntRange(0), default=0, help="Answer 500 to this many messages first.")
@click.option("--status", type=click.IntRange(200, 599), default=204, show_default=True, help="Status to answer with.")
@click.option("--once", type=click.IntRange(1), help="End after this many messages.")
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
    """Receive webhooks on this machine, verify and print them; exit 1 if one does not verify."""
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
@with_data
def trigger(subscription: UUID, seconds: float) -> None:
    """Send a sample message to a subscription, marked as a test; exit 1 if the endpoint did not take it."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import queries, repair
    from workwire.reactions.webhooks.models import State

    with refusals():
        delivery = repair.wait_for_end(repair.simulate(subscription, by=SYSTEM), seconds=seconds)
    last = queries.attempts(delivery).last()
    if delivery.state == State.DELIVERED and last is not None:
        click.echo(f"The endpoint answered {last.status} in {last.duration:.3f} s.")
        return
    if last is not None:
        raise click.ClickException(f"The endpoint failed: {last.status or last.error} {last.detail}".strip())
    if delivery.state == State.WITHHELD:
        raise click.ClickException(f"Withheld: {delivery.end_reason}.")
    raise click.ClickException("It has not been sent yet; is a worker running? See `workwire doctor`.")


@webhooks.command()
@click.argument("subscription", type=click.UUID)
@click.option("--since", type=MOMENT, required=True, help="Deliveries made from this moment (UTC) on.")
@click.option("--until", type=MOMENT, help="… and before this one.")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only deliveries in this state.")
@click.option("--record", type=click.UUID, help="Only deliveries about this record.")
@with_data
def replay(
    subscription: UUID, since: datetime, until: datetime | None, states: tuple[str, ...], record: UUID | None
) -> None:
    """Send ended deliveries again, under today's rights, and show the progress."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import replays
    from workwire.reactions.webhooks.models import State

    chosen = [State[name.upper()] for name in states or STATES]
    until = until.replace(tzinfo=UTC) if until else None
    with refusals():
        asked = replays.replay(
            subscription, by=SYSTEM, since=since.replace(tzinfo=UTC), until=until, states=chosen, record_guid=record
        )
    _watch(asked.guid)


@webhooks.command()
@click.argument("subscription", type=click.UUID)
@click.option("--since", type=MOMENT, required=True, help="Events from this moment (UTC) on.")
@with_data
def backfill(subscription: UUID, since: datetime) -> None:
    """Send the events that were never prepared for a subscription, under today's rights, and show the progress."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import replays

    with refusals():
        asked = replays.backfill(subscription, by=SYSTEM, since=since.replace(tzinfo=UTC))
    _watch(asked.guid)


@webhooks.command("replays")
@click.argument("replay", type=click.UUID)
@click.option("--pause", "wish", flag_value="pause", help="Pause it: queue no more messages.")
@click.option("--resume", "wish", flag_value="resume", help="Resume it where it was paused.")
@click.option("--cancel", "wish", flag_value="cancel", help="Cancel it.")
@with_data
def replays_(replay: UUID, wish: str | None) -> None:
    """Show the progress of a replay or backfill; pause, resume or cancel it."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import replays

    deeds = {"pause": replays.pause, "resume": replays.resume, "cancel": replays.cancel}
    with refusals():
        found = deeds[wish](replay, by=SYSTEM) if wish else replays.find(replay, by=SYSTEM)
    click.echo(f"{found.kind} {found.state}: {replays.progress(found):.0%}, {found.queued} messages queued")


def _watch(guid: UUID) -> None:
    """Show the progress of a replay until it ends; Ctrl-C leaves it running."""
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks import replays

    click.echo(f"Replay {guid}: it goes on by itself; `workwire webhooks replays {guid} --pause` holds it.", err=True)
    with Progress(console=Console(stderr=True)) as shown:
        bar = shown.add_task("queued", total=1.0)
        try:
            while (found := replays.find(guid, by=SYSTEM)).finished_at is None:
                shown.update(bar, completed=replays.progress(found), description=f"{found.queued} queued")
                time.sleep(TAIL_EVERY)
        except KeyboardInterrupt:
            return
        shown.update(bar, completed=1.0)
    click.echo(f"{found.kind} {found.state}: {found.queued} messages queued")


webhooks.add_command(subscribe)
webhooks.add_command(tail)


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
