"""The ledger for auditors: what happened, who did it, from where, and what it changed inside."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from workwire.access import queries
from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, answers, aware, rfc3339
from workwire.api.v1.spelling import AreaName, EventName, UserTypeName, chosen, spelled
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.pages import Page
from workwire.outbox.event_pages import Wanted
from workwire.outbox.public_changes import changes_of
from workwire.outbox.registry import Area, names_of

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
    """An event of the ledger, with the body that was sent to subscribers. `sequence` is its number among the events of the
    record, within an `epoch`.

    `changed_by` is null for the system, `changes` for an event recorded before they were kept.
    """

    guid: Guid
    name: str
    record: Guid
    sequence: int
    epoch: int
    occurred_at: Moment
    changed_by: ChangedByOut | None
    body: dict[str, Any]
    changes: list[RowChangeOut] | None


class AuditedOut(EventOut):
    """An event as the audit shows it: with the address the request came from, which is kept of sign-ins, rights, settings,
    configuration and subscriptions."""

    address: str | None


class EventQuery(PageQuery):
    """Which events: of one record (a work item with what lies in it), of one kind, by one account, in a span of time."""

    record: UUID | None = None
    kind: EventName | None = Field(None, description="The name of an event type.")
    account: UUID | None = Field(None, description="Who did it.")
    since: datetime | None = None
    until: datetime | None = None

    def wanted(self) -> Wanted:
        """What to ask the ledger for."""
        return Wanted(
            names=None if self.kind is None else (self.kind,),
            record=self.record,
            account=None if self.account is None else queries.account_id(self.account),
            since=None if self.since is None else aware(self.since, "since"),
            until=None if self.until is None else aware(self.until, "until"),
        )


class AuditQuery(EventQuery):
    """The same, narrowed to what the events are about."""

    area: AreaName | None = None

    def wanted(self) -> Wanted:
        """What to ask the ledger for."""
        asked = super().wanted()
        if self.area is None:
            return asked
        names = names_of(chosen(Area, self.area))
        return replace(asked, names=[name for name in names if self.kind in (None, name)])


@router.get("/audit", response=answers(Listing[AuditedOut]), operation_id="list_audit_events")
def list_audit_events(request: HttpRequest, query: Query[AuditQuery]) -> dict[str, Any]:
    """List the events of all records, newest first, for who holds the feature *audit*."""
    by = actor(request)
    found = queries.audit(query.wanted(), by=by, **query.arguments())
    made = events_out(found, by)
    for row, out in zip(found.rows, made["items"], strict=True):
        out["address"] = row.address
    return made


def events_out(found: Page[Event], by: Actor) -> dict[str, Any]:
    """A page of events as it goes out."""
    changes = changes_of(found.rows, by=by)
    return {
        "items": [event_out(row, changes[row.pk]) for row in found.rows],
        "next_cursor": found.next_cursor,
    }


def event_out(row: Event, changes: list[dict[str, Any]] | None) -> dict[str, Any]:
    """An event as it goes out."""
    body = orjson.loads(row.body)
    return {
        "guid": str(row.guid),
        "name": row.name,
        "record": str(row.record_guid),
        "sequence": row.sequence,
        "epoch": body.get("Epoch", 1),
        "occurred_at": rfc3339(row.occurred_at),
        "changed_by": _changed_by(row),
        "body": body,
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
