"""The only writer of companies, contracts, services and contacts."""

from workwire.rooms.parties.commands.companies import (
    clone_contract,
    create_company,
    create_contract,
    create_service,
    update_company,
    update_contract,
)
from workwire.rooms.parties.commands.contacts_and_tags import (
    create_contact,
    create_contact_tag,
    make_built_in_tags,
    update_contact,
    update_contact_tag,
)

__all__ = [
    "clone_contract",
    "create_company",
    "create_contact",
    "create_contact_tag",
    "create_contract",
    "create_service",
    "make_built_in_tags",
    "update_company",
    "update_contact",
    "update_contact_tag",
    "update_contract",
]
