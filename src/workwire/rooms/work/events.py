"""What happens to work items, in the documented keys of the packet webhooks (specification: webhooks, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange
from workwire.outbox.documented_webhooks import PACKET_CREATED, PACKET_UPDATED
from workwire.outbox.ledger import Subject, previous, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, EventBody, event
from workwire.rooms.parties.terms import terms_at
from workwire.rooms.work.item_due_dates import standing
from workwire.rooms.work.models import Status, WorkItem

_SAMPLE: dict[str, Any] = {
    "CustomerName": "Northwind Foods",
    "SupplierName": "Harbour Shared Services",
    "ContractName": "Finance services 2025",
    "ServiceName": "Accounts payable",
    "ServiceLineName": "Finance",
    "ProcessTypeName": "Invoice query",
    "Reference": "140308-T",
    "Title": "Invoice 4711 was paid twice",
    "Status": 1,
    "DueDate": "2025-03-14T16:00:00.000Z",
    "ResolvedOn": None,
    "RAGStatus": 1,
    "ProcessType": 2,
    "StartedByMethod": 1,
    "GUID": "0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b90",
}


class WorkItemBody(EventBody):
    """A work item as of the event; `Title` and `DueDate` are null until it has been submitted."""

    area = Area.WORK

    CustomerName: str
    SupplierName: str
    ContractName: str
    ServiceName: str
    ServiceLineName: str
    ProcessTypeName: str
    Reference: str
    Title: str | None
    Status: int
    DueDate: str | None
    ResolvedOn: str | None
    RAGStatus: int
    ProcessType: int
    StartedByMethod: int
    GUID: str


@event("WorkItemCreated", PACKET_CREATED)
class WorkItemCreated(WorkItemBody):
    """A ticket, case or action came into existence."""

    @classmethod
    def sample(cls) -> Self:
        """A ticket that was just submitted."""
        return cls(**_SAMPLE)


@event("WorkItemUpdated", PACKET_UPDATED)
class WorkItemUpdated(WorkItemBody):
    """A ticket, case or action changed; `Previous` holds what the last message of the item said otherwise."""

    Previous: dict[str, object]

    @classmethod
    def sample(cls) -> Self:
        """A ticket that somebody took."""
        return cls(**_SAMPLE | {"Status": 2, "Previous": {"Status": 1}})


class QueueBody(EventBody):
    """A queue as of the event, with the user names of who gets work from it and who manages it."""

    GUID: str
    Name: str
    Strict: bool
    Retired: bool
    Members: list[str]
    Managers: list[str]


@event("QueueCreated")
class QueueCreated(QueueBody):
    """A queue was made."""


@event("QueueUpdated")
class QueueUpdated(QueueBody):
    """A queue or its people changed."""


class JobPositionBody(EventBody):
    """A job position as of the event, with the user names of who holds it."""

    GUID: str
    Name: str
    Retired: bool
    Holders: list[str]


@event("JobPositionCreated")
class JobPositionCreated(JobPositionBody):
    """A job position was made."""


@event("JobPositionUpdated")
class JobPositionUpdated(JobPositionBody):
    """A job position or who holds it changed."""


def body_of(item: WorkItem, at: datetime) -> dict[str, Any]:
    """The documented keys of a work item as it stands at a moment; `queries.for_events` names what it reads."""
    submitted = item.status != Status.DRAFT
    due = item.due_date if submitted else None
    return {
        "CustomerName": item.customer.name,
        "SupplierName": item.contract.supplier.name,
        "ContractName": terms_at(item.contract, item.created_at).name,
        "ServiceName": item.service.name,
        "ServiceLineName": item.service.service_line.name,
        "ProcessTypeName": item.work_type.name,
        "Reference": item.reference or "",
        "Title": item.title if submitted else None,
        "Status": int(item.status),
        "DueDate": clock.rfc3339(due),
        "ResolvedOn": clock.rfc3339(item.resolved_on),
        "RAGStatus": int(standing(item, at)),
        "ProcessType": int(item.kind),
        "StartedByMethod": int(item.started_by_method),
        "GUID": str(item.guid),
    }


def record_created(item: WorkItem, *, at: datetime, by: Actor, changes: Sequence[RowChange]) -> None:
    """Write that a work item came into existence."""
    record(WorkItemCreated(**body_of(item, at)), about=subject(item), by=by, changes=changes)


def record_updated(item: WorkItem, *, at: datetime, by: Actor, changes: Sequence[RowChange]) -> None:
    """Write that a work item changed."""
    after = body_of(item, at)
    body = WorkItemUpdated(**after, Previous=previous(item.guid, after))
    record(body, about=subject(item), by=by, changes=changes)


def subject(item: WorkItem) -> Subject:
    """The work item as the record of an event, with the objects it lies under."""
    return below_item(ObjectType.PACKET, item.guid, item)


def below_item(kind: ObjectType, guid: UUID, item: WorkItem) -> Subject:
    """A record that belongs to a work item as the record of an event."""
    return Subject(
        kind,
        guid,
        company=item.customer.guid,
        contract=item.contract.guid,
        service=item.service.guid,
        work_item=item.guid,
    )
