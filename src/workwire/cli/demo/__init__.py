"""`workwire demo`: the sample organisation, the processes and the walk-through, put together."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from workwire import config
from workwire.cli.listening import check_free
from workwire.cli.migrate import migrate_database
from workwire.cli.options import apply
from workwire.cli.supervisor import Supervisor
from workwire.cli.up import START_SECONDS, children, not_started
from workwire.kernel.folders import make_private

LOOPBACK = "127.0.0.0/8,::1/128"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of the web server.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="Folder for the demo's database and demo.json.",
)
@click.option(
    "--once",
    is_flag=True,
    help="End after the walk-through; exit 0 only if every message arrived and verified.",
)
def demo(port: int, data: Path, once: bool) -> None:
    """Show the main job live on a sample organisation, then stay up to be explored."""
    check_free("127.0.0.1", port)
    data = data.absolute()
    make_private(data)
    apply(host="127.0.0.1", port=port, data_dir=data, webhook_allowed_networks=LOOPBACK, log_level="warning")
    config.load()
    console = Console(highlight=False, soft_wrap=True)
    migrate_database()
    base_url = f"http://127.0.0.1:{port}"
    supervisor = Supervisor(children())
    stage = _stage(console, base_url, data, once=once)
    supervisor.start()
    try:
        if not supervisor.wait_ready(f"{base_url}/health/live", START_SECONDS):
            raise not_started(supervisor)
        if stage is not None:
            _show(console, stage)
        if once:
            return
        console.print(
            f"\n[bold]Workwire stays up at {base_url}/[/] · accounts in {data / 'demo.json'} · Ctrl-C ends it"
        )
        if stage is not None:
            from workwire.cli.demo.walk_through import print_messages

            stop = threading.Event()
            threading.Thread(target=print_messages, args=(console, stage.receivers, stop), daemon=True).start()
        sys.exit(supervisor.run())
    finally:
        supervisor.stop()


def _stage(console: Console, base_url: str, data: Path, *, once: bool) -> Any:
    """Make the sample organisation and start the receivers; None where one was made before, which goes on as it is."""
    from workwire.access import commands as access
    from workwire.access.models import User
    from workwire.cli.demo.seed import seed
    from workwire.cli.demo.walk_through import WalkThrough, actor_of, end_subscriptions, write_description
    from workwire.cli.receiver import Receiver
    from workwire.reactions.webhooks.queries import withheld_count

    if User.objects.exists():
        if once:
            raise click.ClickException(
                f"There is an organisation in {data} already; the walk-through begins in an empty folder (--data)."
            )
        console.print(f"Going on with the organisation made before in {data}; another --data shows the main job again.")
        if ended := end_subscriptions():
            console.print(f"The {ended} subscriptions of its walk-through end, for their receivers are gone.")
        told = json.loads((data / "demo.json").read_text())
        write_description(data / "demo.json", told | {"base_url": base_url})
        return None
    console.print("Making a sample organisation …")
    organisation = seed()
    write_description(data / "demo.json", organisation.as_json(base_url))
    receivers = {"petra": Receiver(), "bruno": Receiver()}
    for receiver in receivers.values():
        receiver.start()
    admin = actor_of(organisation)
    group, bruno = (
        organisation.customers[1].group,
        organisation.accounts["process builder of one company"].user,
    )
    return WalkThrough(
        console=console,
        base_url=base_url,
        organisation=organisation,
        receivers=receivers,
        revoke=lambda: access.change_members(group, remove=[bruno], by=admin),
        restore=lambda: access.change_members(group, add=[bruno], by=admin),
        withheld=withheld_count,
    )


def _show(console: Console, stage: Any) -> None:
    from workwire.cli.demo.walk_through import WalkThroughFailed, actor_of
    from workwire.rooms.parties.commands import create_company

    admin = actor_of(stage.organisation)
    try:
        stage.run()
        stage.company_created(lambda: str(create_company("Harbour Logistics", by=admin).guid))
    except WalkThroughFailed as error:
        raise click.ClickException(f"The walk-through failed: {error}.") from error
    console.print(f"\n[bold green]{stage.arrived} messages arrived and verified; 1 was withheld.[/]")
