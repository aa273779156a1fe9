"""Starting work that somebody outside asks for: their contact is found by its mail address, or made along."""

from __future__ import annotations

from typing import Unpack

from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, NotFound
from workwire.rooms.offering.models import ProcessType, ProcessVersion
from workwire.rooms.parties import commands as parties
from workwire.rooms.parties import queries as contacts
from workwire.rooms.parties.models import Company, Contact
from workwire.rooms.work.commands.changing import Changes
from workwire.rooms.work.commands.item_contacts import requester
from workwire.rooms.work.commands.starting import create_case, create_ticket
from workwire.rooms.work.models import WorkItem

_OF_A_NAME = ("first_name", "surname")


@transaction.atomic
def create_asked_for(
    version: ProcessVersion,
    *,
    by: Actor,
    address: str,
    first_name: str = "",
    surname: str = "",
    submit: bool = False,
    **fields: Unpack[Changes],
) -> WorkItem:
    """Start a ticket or case like `create_ticket`, asked for by the contact with a mail address, who gets all tags of a
    requester; by nobody for no address. An unknown one becomes a contact of the customer where a name is given, and raises
    Invalid (field contacts) otherwise: nothing is made then."""
    if address:
        require(by, features.WORK_ITEMS)  # who may look for contacts
        contact = _contact(version.process.service.contract.customer, address, first_name, surname, by=by)
        fields["contacts"] = [*(fields.get("contacts") or ()), requester(contact.guid)]
    create = create_ticket if version.process.work_type.kind == ProcessType.TICKET else create_case
    return create(version.guid, by=by, submit=submit, **fields)


def _contact(customer: Company, address: str, first_name: str, surname: str, *, by: Actor) -> Contact:
    found = contacts.contact_addressed(customer, address)
    if found is not None:
        return found
    if not (first_name or surname):
        raise Invalid("requester_unknown", field="contacts", customer=customer.name)
    try:
        return parties.create_contact(address, by=by, company=customer, first_name=first_name, surname=surname)
    except (Invalid, NotFound) as error:
        raise error.as_a(Invalid, field=error.field if error.field in _OF_A_NAME else "contacts") from error
