"""`workwire demo`: the sample organisation, the processes and the walk-through, put together."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from workwire import config
from workwire.cli.demo import demo_file
from workwire.cli.listening import check_free
from workwire.cli.migrate import migrate_database
from workwire.cli.options import apply
from workwire.cli.supervisor import Supervisor
from workwire.cli.up import START_SECONDS, check_alone, children, not_started
from workwire.kernel.folders import make_private

LOOPBACK = "127.0.0.0/8,::1/128"
LOG = "demo.log"


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
    apply(host="127.0.0.1", port=port, data_dir=data, webhook_allowed_networks=LOOPBACK, log_level="warning")
    config.load()
    make_private(data)
    with demo_file.only_demo(data):
        demo_file.write_settings(data, LOOPBACK)
        check_alone()
        _run(Console(highlight=False, soft_wrap=True), f"http://127.0.0.1:{port}", data, once=once)


def _run(console: Console, base_url: str, data: Path, *, once: bool) -> None:
    told = _begun(data, once=once)
    migrate_database()
    if told is not None:
        _go_on(console, base_url, data, told)
    stage = _prepare(console, base_url, data) if told is None else None
    with (data / LOG).open("ab") as log:
        supervisor = Supervisor(children(), output=log)
        supervisor.start()
        try:
            if not supervisor.wait_ready(f"{base_url}/health/live", START_SECONDS):
                raise not_started(supervisor, says_why=str(data / LOG))
            if stage is not None:
                _show(console, stage)
            if once:
                return
            _invite(console, base_url, data)
            if stage is not None:
                from workwire.cli.demo.walk_through import print_messages

                stop = threading.Event()
                arguments = (console, stage.receivers, stop)
                threading.Thread(target=print_messages, args=arguments, daemon=True).start()
            sys.exit(supervisor.run())
        finally:
            supervisor.stop()


def _invite(console: Console, base_url: str, data: Path) -> None:
    """Say where to look and who may sign in."""
    told = demo_file.read(data) or {}
    table = Table("User name", "Password", "Roles", "May see", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for account in told.get("accounts", []):
        table.add_row(
            account["username"], account["password"], ", ".join(account["roles"]), ", ".join(account["may_see"])
        )
    console.print(f"\n[bold]Workwire stays up at {base_url}/[/] · sign in as one of these · Ctrl-C ends it\n")
    console.print(table)
    console.print(f"\nMore in {data / demo_file.NAME}; what the processes log is in {data / LOG}.")


def _begun(data: Path, *, once: bool) -> dict[str, Any] | None:
    """What an earlier demo made in a folder, None for an empty database; raises ClickException, before anything is changed,
    where there is an installation to be left alone."""
    from django.db import connection

    from workwire.access import queries

    if not (queries.ACCOUNTS in connection.introspection.table_names() and queries.has_accounts()):
        return None
    told = demo_file.read(data)
    if told is None:
        raise click.ClickException(
            f"The installation in {data} was not made by a demo, or its {demo_file.NAME} is gone; name another folder "
            "with --data, or run it with `workwire up`."
        )
    if once:
        raise click.ClickException(
            f"There is an organisation in {data} already; the walk-through begins in an empty folder (--data)."
        )
    return told


def _go_on(console: Console, base_url: str, data: Path, told: dict[str, Any]) -> None:
    """Begin with what an earlier demo left in a folder."""
    console.print(f"Going on with the organisation made before in {data}; another --data shows the main job again.")
    if ended := demo_file.end_subscriptions(told.get(demo_file.WALK_THROUGH, {})):
        console.print(f"The {ended} subscriptions of its walk-through end, for their receivers are gone.")
    demo_file.write(data, told | {"base_url": base_url})


def _prepare(console: Console, base_url: str, data: Path) -> Any:
    """Make the sample organisation and start the receivers."""
    from workwire.access import commands as access
    from workwire.cli.demo.sample_work import give_out
    from workwire.cli.demo.seed import seed
    from workwire.cli.demo.walk_through import WalkThrough, actor_of
    from workwire.cli.receiver import Receiver
    from workwire.reactions.webhooks.queries import withheld_count

    console.print("Making a sample organisation …")
    organisation = seed()
    demo_file.write(data, organisation.as_json(base_url))
    give_out(organisation)
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
        note=lambda guid, url: demo_file.note_subscription(data, guid, url),
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
