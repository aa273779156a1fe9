"""The six documented webhooks, and the two events that any business object may have.

Numbers, names and filters are part of the contract (specification: webhooks, section 2).
"""

from __future__ import annotations

from typing import Literal, Self

from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import EventBody, Webhook, event

_CONTAINERS = (ObjectType.COMPANY, ObjectType.CONTRACT, ObjectType.SERVICE)
_BUSINESS_OBJECTS = (ObjectType.COMPANY, ObjectType.SCHEDULE)

PACKET_CREATED = Webhook(
    number=0,
    name="PacketCreated",
    description="A new work item.",
    fires_when="A case, ticket or action comes into existence, as a draft or ready to be worked on.",
    filters=_CONTAINERS,
    needs_guid=True,
)
PACKET_UPDATED = Webhook(
    number=1,
    name="PacketUpdated",
    description="A changed work item.",
    fires_when="A case, ticket or action changes: its fields, its status, its assignee, and once when its due date passes.",
    filters=(*_CONTAINERS, ObjectType.PACKET),
    needs_guid=True,
)
NEW_COMMUNICATION = Webhook(
    number=2,
    name="NewCommunication",
    description="A new communication at a work item.",
    fires_when="A note, phone call, letter or mail is added to a work item.",
    filters=(ObjectType.PACKET, *_CONTAINERS),
    needs_guid=True,
)
BUSINESS_OBJECT_CREATED = Webhook(
    number=3,
    name="BusinessObjectCreated",
    description="A new company or schedule.",
    fires_when="A company or a schedule, whichever the subscription names, is created.",
    filters=_BUSINESS_OBJECTS,
    needs_guid=False,
)
SPECIFIC_BUSINESS_OBJECT_UPDATED = Webhook(
    number=4,
    name="SpecificBusinessObjectUpdated",
    description="A change of one company or schedule.",
    fires_when="The one company or schedule that the subscription names changes.",
    filters=_BUSINESS_OBJECTS,
    needs_guid=True,
)
BUSINESS_OBJECT_TYPE_UPDATED = Webhook(
    number=5,
    name="BusinessObjectTypeUpdated",
    description="A change of any company or schedule.",
    fires_when="Any company or schedule, whichever the subscription names, changes.",
    filters=_BUSINESS_OBJECTS,
    needs_guid=False,
    aliases=("BusinessObjectUpdated",),
)


class BusinessObjectBody(EventBody):
    """A company or schedule as of the event."""

    GUID: str
    Name: str
    ObjectType: Literal["Company", "Schedule"]


@event("BusinessObjectCreated", BUSINESS_OBJECT_CREATED)
class BusinessObjectCreated(BusinessObjectBody):
    """A company or schedule was created."""

    @classmethod
    def sample(cls) -> Self:
        """A new company."""
        return cls(GUID="0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b81", Name="Northwind Foods", ObjectType="Company")


@event("BusinessObjectUpdated", SPECIFIC_BUSINESS_OBJECT_UPDATED, BUSINESS_OBJECT_TYPE_UPDATED)
class BusinessObjectUpdated(BusinessObjectBody):
    """A company or schedule changed; `Previous` holds what the last message of it said otherwise."""

    Previous: dict[str, str]

    @classmethod
    def sample(cls) -> Self:
        """A company that got another name."""
        return cls(
            GUID="0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b81",
            Name="Northwind Foods International",
            ObjectType="Company",
            Previous={"Name": "Northwind Foods"},
        )
