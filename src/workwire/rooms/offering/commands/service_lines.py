"""What is offered to whom: service lines, work types, processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import added
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.offering import events
from workwire.rooms.offering.commands.saving import prose, save, taken
from workwire.rooms.offering.models import Process, ProcessType, ServiceLine, WorkType
from workwire.rooms.parties import queries as parties

if TYPE_CHECKING:
    from workwire.rooms.parties.models import Service


@transaction.atomic
def create_service_line(name: str, *, by: Actor, description: str = "") -> ServiceLine:
    """Make a service line."""
    require(by, features.PROCESSES)
    line = ServiceLine(name=text.name(name), description=prose(description))
    if ServiceLine.objects.filter(name_key=folding.key(line.name)).exists():
        raise taken("service_line")
    save(line, "service_line")
    body = events.ServiceLineCreated(GUID=str(line.guid), Name=line.name)
    record(body, about=Subject(ObjectType.SERVICE_LINE, line.guid), by=by, changes=added(line))
    return line


@transaction.atomic
def create_process(service: Service, work_type: WorkType, *, by: Actor) -> Process:
    """Offer a ticket type or case type under a service the actor sees, of the same service line."""
    require(by, features.PROCESSES)
    service = parties.service(service.guid, by=by)
    if work_type.kind == ProcessType.ACTION or work_type.service_line_id != service.service_line_id:
        raise Invalid(
            "work_type_invalid.process",
            field="work_type",
        )
    process = Process(service=service, work_type=work_type)
    save(process, "process")
    body = events.ProcessCreated(GUID=str(process.guid), Name=work_type.name, ServiceGUID=str(service.guid))
    record(body, about=events.below_process(ObjectType.PROCESS, process.guid, process), by=by, changes=added(process))
    return process
