"""What happens to contracts, services and contacts; companies have the documented events (`outbox.documented_webhooks`)."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


class PartyBody(EventBody):
    """A part of this room as of the event."""

    GUID: str
    Name: str


@event("ContractCreated")
class ContractCreated(PartyBody):
    """A contract was made."""

    CustomerGUID: str
    SupplierGUID: str


@event("ServiceCreated")
class ServiceCreated(PartyBody):
    """A service was offered under a contract."""

    ContractGUID: str
    ServiceLineGUID: str


@event("ContractUpdated")
class ContractUpdated(PartyBody):
    """A contract changed."""


class ContactBody(PartyBody):
    """A contact as of the event."""

    area = Area.DATA

    EmailAddress: str
    CompanyGUID: str | None


@event("ContactCreated")
class ContactCreated(ContactBody):
    """A contact was made."""


@event("ContactUpdated")
class ContactUpdated(ContactBody):
    """A contact changed."""


@event("ContactTagCreated")
class ContactTagCreated(PartyBody):
    """A contact tag was made."""


@event("ContactTagUpdated")
class ContactTagUpdated(PartyBody):
    """A contact tag changed."""
