"""`record()`: the only writer of events, called by commands inside their transaction; and how to look at the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet

from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.outbox import wake
from workwire.outbox.models import Event, Pending, RecordSequence
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Envelope, EventBody


@dataclass(frozen=True, slots=True)
class Subject:
    """The record an event is about, and the objects it lies under."""

    type: ObjectType
    guid: UUID
    company: UUID | None = None
    contract: UUID | None = None
    service: UUID | None = None
    work_item: UUID | None = None


def record(body: EventBody, *, about: Subject, by: Actor) -> Event:
    """Write an event and, when webhooks may fire, its pending row; wakes the dispatcher once the transaction commits.

    Must be called inside a transaction, the one of the change; raises TransactionManagementError otherwise.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("events are recorded inside the transaction of their change")
    guid, moment = ids.new_guid(), clock.now()
    sequence = _next_sequence(about.guid)
    envelope = Envelope(EventID=str(guid), OccurredAt=clock.rfc3339(moment) or "", Sequence=sequence)
    event = Event.objects.create(
        guid=guid,
        name=body.event_name,
        record_type=about.type,
        record_guid=about.guid,
        sequence=sequence,
        company_guid=about.company,
        contract_guid=about.contract,
        service_guid=about.service,
        work_item_guid=about.work_item,
        actor_id=by.user_id,
        occurred_at=moment,
        body=orjson.dumps(body.model_dump(mode="json") | envelope.model_dump()).decode(),
    )
    if body.webhooks:
        Pending.objects.create(event=event, in_bulk=by.in_bulk)
        wake.ring_on_commit()
    return event


def _next_sequence(record_guid: UUID) -> int:
    """Take the record's next number; the row lock makes two writers of one record queue, so no number is skipped."""
    key = RecordSequence._meta.get_field("record_guid").get_db_prep_value(record_guid, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_recordsequence (record_guid, last) VALUES (%s, 1) "
            "ON CONFLICT (record_guid) DO UPDATE SET last = outbox_recordsequence.last + 1 RETURNING last",
            [key],
        )
        return int(cursor.fetchone()[0])


def history(work_item_guid: UUID) -> QuerySet[Event]:
    """The events of a work item and of what lies in it, oldest first; whoever calls has checked that it may be seen."""
    return Event.objects.filter(work_item_guid=work_item_guid).order_by("id")
