"""`workwire webhooks tail`: the attempts, as they are made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

import click

from workwire.cli import open_installation
from workwire.cli.options import with_data

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Attempt

TAIL_EVERY = 0.5


@click.command()
@click.option("--subscription", type=click.UUID, help="Only this subscription.")
@click.option(
    "--last", type=click.IntRange(0, 200), default=20, show_default=True, help="Begin with so many past ones."
)
@click.option("--once", is_flag=True, help="Print those and end.")
@with_data
def tail(subscription: UUID | None, last: int, once: bool) -> None:
    """Print attempts as they are made: when (UTC), webhook, record, subscription, and how they ended."""
    open_installation()
    from workwire.kernel.actor import SYSTEM
    from workwire.reactions.webhooks.queries import latest_attempts

    # Those before the first one printed are behind us, also where none is printed.
    rows = latest_attempts(SYSTEM, subscription_guid=subscription, limit=max(last, 1))
    position = max((row.pk for row in rows), default=0)
    shown = rows if last else []
    try:
        while True:
            for row in shown:
                click.echo(_line(row))
            if once:
                return
            time.sleep(TAIL_EVERY)
            shown = latest_attempts(SYSTEM, subscription_guid=subscription, after=position)
            position = max((position, *(row.pk for row in shown)))
    except KeyboardInterrupt:
        return


def _line(row: Attempt) -> str:
    from workwire.outbox.registry import webhooks

    delivery = row.delivery
    hook = webhooks().get(delivery.subscription.webhook)
    about = f"record {delivery.record_guid}" if delivery.record_guid else "test"
    return (
        f"{row.started_at:%Y-%m-%dT%H:%M:%S.%f}Z  {hook.name if hook else '?'}  {about}  "
        f"subscription {delivery.subscription.guid}  attempt {row.number}  {row.status or row.error}  "
        f"{row.duration * 1000:.0f} ms  {delivery.get_state_display()}"
    )
