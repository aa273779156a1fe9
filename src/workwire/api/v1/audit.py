"""The ledger for administrators: what happened, who did it, and what it changed inside."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja import Query, Router, Schema

from workwire.access import queries
from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, answers, aware, rfc3339
from workwire.api.v1.spelling import UserTypeName, spelled
from workwire.kernel.actor import UserType
from workwire.kernel.pages import Page, page
from workwire.outbox.public_changes import changes_of

if TYPE_CHECKING:
    from workwire.outbox.models import Event

router = Router(tags=["audit"])


class ChangedByOut(Schema):
    """Who did it: an account, and the application credential it acted through, if any."""

    user: Guid
    user_type: UserTypeName | None
    credential: Guid | None


class RowChangeOut(Schema):
    """A row that was added (`old` null), altered or removed (`new` null), with the columns that differ.

    `record` is the kind of row; `guid` is null for a part without one. Other records are named by their GUIDs. A secret is
    masked, a long new text is told by its length and digest.
    """

    record: str
    guid: Guid | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class EventOut(Schema):
    """An event of the ledger, with the body that was sent to subscribers.

    `changed_by` is null for the system, `changes` for an event recorded before they were kept.
    """

    guid: Guid
    name: str
    record: Guid
    sequence: int
    occurred_at: Moment
    changed_by: ChangedByOut | None
    body: dict[str, Any]
    changes: list[RowChangeOut] | None


class AuditQuery(PageQuery):
    """Of the ledger: the events of one record, and those in a span of time."""

    record: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@router.get("/audit", response=answers(Listing[EventOut]), operation_id="list_audit_events")
def list_audit_events(request: HttpRequest, query: Query[AuditQuery]) -> dict[str, Any]:
    """List the events of all records, newest first; administrators only."""
    since = None if query.since is None else aware(query.since, "since")
    until = None if query.until is None else aware(query.until, "until")
    found = queries.audit(by=actor(request), record=query.record, since=since, until=until)
    return events_out(page(found, **query.arguments()))


def events_out(found: Page[Event]) -> dict[str, Any]:
    """A page of events as it goes out."""
    changes = changes_of(found.rows)
    return {
        "items": [_event(row, changes[row.pk]) for row in found.rows],
        "next_cursor": found.next_cursor,
    }


def _event(row: Event, changes: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "name": row.name,
        "record": str(row.record_guid),
        "sequence": row.sequence,
        "occurred_at": rfc3339(row.occurred_at),
        "changed_by": _changed_by(row),
        "body": orjson.loads(row.body),
        "changes": changes,
    }


def _changed_by(row: Event) -> dict[str, Any] | None:
    if row.actor is None:
        return None
    credential = None if row.credential is None else str(row.credential.guid)
    return {
        "user": str(row.actor.guid),
        "user_type": None if row.actor_type is None else spelled(UserType(row.actor_type)),
        "credential": credential,
    }
