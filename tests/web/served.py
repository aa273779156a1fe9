"""A process for browsers to visit: a sample organisation with work of every kind in an empty folder, served by the product.

`python -m tests.web.served PORT [calm]` works on the installation that the environment names; it prints the accounts as one
line of JSON and becomes the web process. A calm world has no subscriptions and no jobs yet, so that nothing is wrong in it,
and who subscribes is told only of what happens from then on.
"""

from __future__ import annotations

import json
import os
import sys

MANY = 120  # tickets, so that lists have more than one page


def main() -> None:
    """Make the world, say who can sign in, serve."""
    import django

    django.setup()
    from django.core.management import call_command

    from tests.support.organisation import build
    from tests.web import chores, gallery, traffic
    from workwire.access import sessions
    from workwire.kernel import clock
    from workwire.reactions.webhooks import fanning
    from workwire.rooms.work import commands as work

    is_calm = "calm" in sys.argv[2:]
    call_command("migrate", verbosity=0)
    organisation = build()
    accounts = gallery.accounts(organisation)
    items = gallery.items(organisation)
    subscriptions = {} if is_calm else traffic.send(organisation)
    if not is_calm:
        chores.ask(organisation)
    member = sessions.actor_for(accounts["team member"].user)
    for customer in organisation.customers:
        category = customer.ticket_version.categories.order_by("-level", "pk")[0].guid
        for number in range(MANY // 2):
            title = f"Invoice {4711 + number} of {customer.company.name}"
            ticket = work.create_ticket(
                customer.ticket_version.guid, by=member, title=title, category_guid=category, submit=True
            )
            if number % 3 == 0:
                work.take(ticket, by=member)
    while is_calm and fanning.fan_out(clock.now()):
        pass
    print(
        json.dumps(
            {
                "accounts": {who: [one.user.username, one.password] for who, one in accounts.items()},
                "items": {name: item.reference or str(item.guid) for name, item in items.items()},
                "subscriptions": {name: str(one.guid) for name, one in subscriptions.items()},
            }
        ),
        flush=True,
    )
    os.execv(sys.executable, [sys.executable, "-m", "workwire", "web", "--quiet", "--port", sys.argv[1]])  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    main()
