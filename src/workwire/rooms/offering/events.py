"""What happens to service lines, work types and processes; schedules have the documented business object events."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import EventBody, event

if TYPE_CHECKING:
    from workwire.rooms.offering.models import Process, WorkType


class CatalogueBody(EventBody):
    """A part of the catalogue as of the event."""

    GUID: str
    Name: str


@event("ServiceLineCreated")
class ServiceLineCreated(CatalogueBody):
    """A service line was made."""


@event("WorkTypeCreated")
class WorkTypeCreated(CatalogueBody):
    """A ticket type, case type or action type was made."""

    ServiceLineGUID: str
    ProcessType: int


@event("ProcessCreated")
class ProcessCreated(CatalogueBody):
    """A ticket type or case type was offered under a service."""

    ServiceGUID: str


class VersionBody(CatalogueBody):
    """A process version as of the event."""

    ProcessGUID: str
    Number: int
    State: int


@event("ProcessVersionCreated")
class ProcessVersionCreated(VersionBody):
    """A draft of a process was begun."""


@event("ProcessVersionChanged")
class ProcessVersionChanged(VersionBody):
    """A draft got other content, or a version another state; `Change` says what."""

    Change: str


@event("WorkTypeChanged")
class WorkTypeChanged(CatalogueBody):
    """What a type of work says, its steps or its checklist changed; `Change` says how."""

    Change: str


class DataFieldBody(CatalogueBody):
    """A custom data field as of the event."""

    Kind: str
    Retired: bool


@event("DataFieldCreated")
class DataFieldCreated(DataFieldBody):
    """A custom data field was defined."""


@event("DataFieldUpdated")
class DataFieldUpdated(DataFieldBody):
    """A custom data field changed."""


def below_process(kind: ObjectType, guid: UUID, process: Process) -> Subject:
    """A process, or what belongs to it, as the record of an event with the objects it lies under."""
    service = process.service
    return Subject(
        kind,
        guid,
        company=service.contract.customer.guid,
        contract=service.contract.guid,
        service=service.guid,
    )


def record_work_type_changed(work_type: WorkType, change: str, *, by: Actor, changes: list[RowChange]) -> None:
    """Write that a type of work changed."""
    body = WorkTypeChanged(GUID=str(work_type.guid), Name=work_type.name, Change=change)
    record(body, about=Subject(ObjectType.WORK_TYPE, work_type.guid), by=by, changes=changes)
