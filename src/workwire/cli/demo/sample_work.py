"""Work of the sample organisation, so that every account finds something to do."""

from __future__ import annotations

from workwire.access import sessions
from workwire.cli.demo.seed import Organisation
from workwire.rooms.work import commands as work

TICKETS = (
    ("ada", 0, "Northwind asks for the new bank details"),
    ("ada", 1, "Aurora disputes a late fee"),
    ("petra", 0, "Duplicate invoice 2207"),
    ("petra", 1, "Credit note missing for order 818"),
    ("bruno", 1, "Remittance advice not received"),
    ("bruno", 1, "Invoice 5531 without purchase order"),
    ("mei", 0, "Invoice 4698 unpaid since Monday"),
    ("mei", 1, "Amount of invoice 3120 differs"),
    ("robot-1", 0, "Match statement of account for May"),
    (None, 0, "Supplier asks for a payment date"),
    (None, 1, "Reminder for invoice 1907"),
)


def give_out(organisation: Organisation) -> None:
    """Open tickets for both customers, some given to each account, some waiting in the queues."""
    admin = sessions.actor_for(organisation.accounts["administrator"].user)
    people = {account.user.username: account.user for account in organisation.accounts.values()}
    for who, customer, title in TICKETS:
        version = organisation.customers[customer].ticket_version
        category = version.categories.get(name="Overdue invoice")
        ticket = work.create_ticket(version.guid, by=admin, submit=True, title=title, category_guid=category.guid)
        if who is not None:
            work.assign(ticket, people[who], by=admin, force=True)
