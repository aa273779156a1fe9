"""What happens to contracts and services; companies have the documented business object events (`outbox.catalogue`)."""

from __future__ import annotations

from workwire.outbox.registry import EventBody, event


class PartyBody(EventBody):
    """A contract or service as of the event."""

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
