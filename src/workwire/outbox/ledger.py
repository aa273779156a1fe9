"""`record()`: the only writer of events, called by commands inside their transaction; and how to look at the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from workwire.kernel import clock, ids
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Limited
from workwire.outbox import wake
from workwire.outbox.changes import RowChange, dumped
from workwire.outbox.models import Event, RecordSequence
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Envelope, EventActor, EventBody

_OTHERS_WRITING = """
    FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
    AND relation = 'outbox_recordsequence'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """The record an event is about, and the objects it lies under."""

    type: ObjectType
    guid: UUID
    company: UUID | None = None
    contract: UUID | None = None
    service: UUID | None = None
    work_item: UUID | None = None


def record(body: EventBody, *, about: Subject, by: Actor, changes: Sequence[RowChange]) -> Event:
    """Write an event and, when webhooks may fire, its pending row; wakes the worker once the transaction commits.

    `changes` are all that the deed changed in the tables since the last event of the same transaction.
    Must be called inside a transaction, the one of the change; raises TransactionManagementError otherwise.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("events are recorded inside the transaction of their change")
    guid, moment = ids.new_guid(), clock.now()
    sequence = _next_sequence(about.guid)
    envelope = Envelope(
        EventID=str(guid), OccurredAt=clock.rfc3339(moment) or "", Sequence=sequence, ChangedBy=_changed_by(by)
    )
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
        actor_type=by.user_type,
        credential_id=by.credential_id,
        occurred_at=moment,
        body=orjson.dumps(body.model_dump(mode="json") | envelope.model_dump()).decode(),
        changes=dumped(changes),
    )
    if body.webhooks:
        with connection.cursor() as cursor:  # by hand: every change there is pays for it
            cursor.execute("INSERT INTO outbox_pending (event_id, in_bulk) VALUES (%s, %s)", [event.pk, by.in_bulk])
        wake.ring_on_commit()
    return event


def _changed_by(actor: Actor) -> EventActor | None:
    if actor.guid is None or actor.user_type is None:
        return None
    credential = None if actor.credential_guid is None else str(actor.credential_guid)
    return EventActor(GUID=str(actor.guid), UserType=int(actor.user_type), CredentialGUID=credential)


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


def position(*, patience: float = 5.0) -> int:
    """A place in the ledger behind which no event is missing: all up to it are committed and to be seen.

    On PostgreSQL ids are given out before the commit, so it waits, without being in
    anybody's way, until every transaction that may hold an earlier one has ended; raises Limited when that takes longer than
    `patience` seconds.
    """
    if connection.vendor != "postgresql":
        return int(_ask("SELECT coalesce(max(id), 0) FROM outbox_event")[0])
    # Whoever took an id up to the last one had written its sequence before, and keeps the lock of that until it ends.
    last, earlier = _ask(
        f"SELECT (SELECT coalesce(max(id), 0) FROM outbox_event), (SELECT array_agg(virtualtransaction) {_OTHERS_WRITING})"
    )
    deadline, pause = time.monotonic() + patience, 0.001
    while earlier and _ask(f"SELECT EXISTS (SELECT 1 {_OTHERS_WRITING} AND virtualtransaction = ANY(%s))", earlier)[0]:
        if time.monotonic() > deadline:
            raise Limited("ledger_busy", "A long change is under way; ask again in a moment.", retry_after=5)
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return int(last)


def reaches(place: int) -> bool:
    """Whether the ledger has got to a place; after a database was put back to an earlier state it may not have."""
    return place == 0 or Event.objects.filter(pk__gte=place).exists()


def sequence_of(record_guid: OuterRef) -> Coalesce:
    """The number of the last event of a record, 0 for one without; for the query that reads the record."""
    last = RecordSequence.objects.filter(record_guid=record_guid).values("last")
    return Coalesce(Subquery(last), 0)


def _ask(sql: str, *parameters: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def history(work_item_guid: UUID) -> QuerySet[Event]:
    """The events of a work item and of what lies in it, oldest first; whoever calls has checked that it may be seen."""
    return _with_actor().filter(work_item_guid=work_item_guid).order_by("id")


def audit(
    *, record: UUID | None = None, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Event]:
    """The events of everything, or of one record or a span of time; whoever calls has checked that all of it may be seen."""
    found = _with_actor()
    if record is not None:
        found = found.filter(record_guid=record)
    if since is not None:
        found = found.filter(occurred_at__gte=since)
    return found if until is None else found.filter(occurred_at__lt=until)


def _with_actor() -> QuerySet[Event]:
    return Event.objects.select_related("actor", "credential")
