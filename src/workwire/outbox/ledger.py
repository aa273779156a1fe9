"""`record()`: the only writer of events, called by commands inside their transaction; and how to look at the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import Field, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from workwire.kernel import clock, composed_writes, ids, logs, spans
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Limited
from workwire.kernel.statements import carried_out, own_connection
from workwire.kernel.table_growth import Growth, growth_of
from workwire.outbox import listeners, wake
from workwire.outbox.changes import RowChange, dumped
from workwire.outbox.models import Event, RecordSequence
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import AUDITED, Envelope, EventActor, EventBody

logger = logging.getLogger(__name__)
_MARK = "\x01"  # no JSON text has it
_NUMBER = orjson.Fragment(
    _MARK
)  # stands for sequence and epoch in a body, which are known only when the event is written
_THEN_EPOCH = ',"Epoch":'
_TAKE_NUMBER = (
    "INSERT INTO outbox_recordsequence (record_guid, last) VALUES (%s, 1)"
    " ON CONFLICT (record_guid) DO UPDATE SET last = outbox_recordsequence.last + 1 RETURNING last"
)
_EPOCH = "SELECT coalesce(max(epoch), 1) AS epoch FROM outbox_ledgerstate"
_MAKE_PENDING = "INSERT INTO outbox_pending (event_id, in_bulk)"
_FEED = "INSERT INTO outbox_feedentry (listener, event_id, record_guid)"
_LAST_BODY = "SELECT body FROM outbox_event WHERE record_guid = %s ORDER BY sequence DESC LIMIT 1"
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
    """Write an event, a row for each listener that asks for it and, when webhooks may fire, its pending row; wakes workers
    once the transaction commits.

    `changes` are all that the deed changed in the tables since the last event of the same transaction.
    Must be called inside a transaction, the one of the change; raises TransactionManagementError otherwise.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("events are recorded inside the transaction of their change")
    guid, moment = ids.new_guid(), clock.now()
    envelope = Envelope(
        EventID=str(guid), OccurredAt=clock.rfc3339(moment) or "", Sequence=0, ChangedBy=_changed_by(by)
    )
    event = Event(
        guid=guid,
        name=body.event_name,
        record_type=about.type,
        record_guid=about.guid,
        company_guid=about.company,
        contract_guid=about.contract,
        service_guid=about.service,
        work_item_guid=about.work_item,
        actor_id=by.user_id,
        actor_type=by.user_type,
        credential_id=by.credential_id,
        address=by.address or None if body.area in AUDITED else None,
        occurred_at=moment,
        changes=dumped(changes),
    )
    fires = bool(body.webhooks)
    enveloped = body.model_dump(mode="json") | envelope.model_dump(exclude={"Epoch"}) | {"Sequence": _NUMBER}
    text = orjson.dumps(enveloped).decode()
    told_to = listeners.asking_for(event)
    _write(event, text, pending=fires, in_bulk=by.in_bulk, told_to=told_to)
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s of record %s", event.name, event.record_guid, extra=logs.of(event=guid))
    if spans.tracer is not None:
        transaction.on_commit(spans.tracer.event(guid, event.name, event.record_guid, moment))
    if told_to:
        wake.ring_on_commit(wake.EVERYBODY)
    elif fires:
        wake.ring_on_commit()
    return event


def previous(record_guid: UUID, after: Mapping[str, Any]) -> dict[str, Any]:
    """What the last event of a record said otherwise than a body does now, key by key, whatever changed it meanwhile.

    The caller holds the lock of the record, or of what its commands lock first.
    """
    key = Event._meta.get_field("record_guid").get_db_prep_value(record_guid, connection)
    with carried_out(_LAST_BODY, [key]) as cursor:
        row = cursor.fetchone()
    before: dict[str, Any] = orjson.loads(row[0]) if row is not None else {}
    return {key: before[key] for key, value in after.items() if key in before and before[key] != value}


def _write(event: Event, text: str, *, pending: bool, in_bulk: bool, told_to: list[str]) -> None:
    """Take the record's next number, and write the event under it, with its rows in the feeds of listeners and its pending row
    if it is to have one.

    The lock on the row of the sequence makes two writers of one record queue, so that no number is skipped. PostgreSQL does
    all of it in one statement: every change there is pays for it.
    """
    before, _, after = text.partition(_MARK)
    if connection.vendor != "postgresql":
        key = RecordSequence._meta.get_field("record_guid").get_db_prep_value(event.record_guid, connection)
        event.sequence, epoch = _ask(f"{_TAKE_NUMBER}, ({_EPOCH})", key)
        event.body = f"{before}{event.sequence}{_THEN_EPOCH}{epoch}{after}"
        composed_writes.insert_numbered(event)
        if pending:
            _ask(f"{_MAKE_PENDING} VALUES (%s, %s) RETURNING event_id", event.pk, in_bulk)
        for listener in told_to:
            _ask(f"{_FEED} VALUES (%s, %s, %s) RETURNING event_id", listener, event.pk, key)
        return
    statement, fields = _composed(pending, bool(told_to))
    database = own_connection()
    values = [field.get_db_prep_save(getattr(event, field.attname), database) for field in fields]
    more: list[Any] = [in_bulk] if pending else []
    if told_to:
        more += [event.record_guid, told_to]
    with carried_out(statement, [event.record_guid, *values, before, after, *more]) as cursor:
        event.pk, event.sequence, epoch = cursor.fetchone()
    event.body = f"{before}{event.sequence}{_THEN_EPOCH}{epoch}{after}"
    event._state.adding, event._state.db = False, connection.alias


@cache
def _composed(pending: bool, told: bool) -> tuple[str, tuple[Field[Any, Any], ...]]:
    """The statement of PostgreSQL, and the fields whose values it is filled with."""
    made = ("id", "sequence", "body")
    fields = tuple(field for field in Event._meta.concrete_fields if field.attname not in made)
    columns = ", ".join(str(field.column) for field in fields)
    statement = (
        f"WITH taken AS ({_TAKE_NUMBER}), era AS ({_EPOCH}), written AS (INSERT INTO outbox_event ({columns}, sequence, body)"
        f" SELECT {', '.join('%s' for _ in fields)}, last,"
        f" CAST(%s AS text) || last || '{_THEN_EPOCH}' || epoch || CAST(%s AS text) FROM taken, era"
        " RETURNING id, sequence)"
    )
    if pending:
        statement += f", waiting AS ({_MAKE_PENDING} SELECT id, %s FROM written)"
    if told:
        statement += f", told AS ({_FEED} SELECT listener, id, %s FROM written, unnest(%s::text[]) AS listener)"
    return f"{statement} SELECT id, sequence, epoch FROM written, era", fields


def _changed_by(actor: Actor) -> EventActor | None:
    if actor.guid is None or actor.user_type is None:
        return None
    credential = None if actor.credential_guid is None else str(actor.credential_guid)
    return EventActor(GUID=str(actor.guid), UserType=int(actor.user_type), CredentialGUID=credential)


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
            raise Limited("ledger_busy", retry_after=5)
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
    """The events of a work item and of what lies in it, oldest first; the caller has checked that it may be seen."""
    return _with_actor().filter(work_item_guid=work_item_guid).order_by("id")


def forget(name: str, before: datetime, most: int) -> int:
    """Remove some events of a kind that no webhook tells of and that changes nothing, from before a moment, at most so many;
    returns how many."""
    oldest = Event.objects.filter(name=name).order_by("pk").values_list("pk", "occurred_at")[:most]
    ids = [pk for pk, occurred_at in oldest if occurred_at < before]
    return Event.objects.filter(pk__in=ids).delete()[0]


def events() -> QuerySet[Event]:
    """All events, with who did it; the caller says which of them may be seen."""
    return _with_actor()


def growth(now: datetime) -> Growth:
    """How fast the ledger grows; one query."""
    return growth_of(Event.objects.all(), "occurred_at", now)


def _with_actor() -> QuerySet[Event]:
    return Event.objects.select_related("actor", "credential")
