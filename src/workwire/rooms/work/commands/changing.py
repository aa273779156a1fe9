"""A work item under change: locked, compared with what it was, saved and recorded once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from workwire.kernel import clock, text
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.rooms.catalogue import queries as catalogue
from workwire.rooms.catalogue.models import ProcessType
from workwire.rooms.work import events, policy, queries
from workwire.rooms.work.models import ResolutionMethod, Status, StatusReason, WaitType, WorkItem
from workwire.rooms.work.transitions import Standing

LONGEST_TITLE = 500
LONGEST_DESCRIPTION = 256 * 1024
LONGEST_CUSTOM_DATA = 256 * 1024
MOST_RECORDS = 2_000_000_000
_BOOKKEEPING = {"version", "updated_at", "updated_by_id"}


class Changes(TypedDict, total=False):
    """What may be written of a work item; None means the same as not given.

    `custom_data` sets the keys it names and leaves the others; `due_date` overrides the process's own rule.
    """

    title: str | None
    description: str | None
    category_guid: UUID | None
    custom_data: Mapping[str, Any] | None
    record_count: int | None
    due_date: datetime | None


class Change:
    """One item in one command: remembers what it was; `done` saves and records it if anything differs."""

    def __init__(self, item: WorkItem, *, by: Actor) -> None:
        self.item, self.by, self.at = item, by, clock.now()
        self._body, self._columns = events.body_of(item, self.at), _columns(item)

    @property
    def standing(self) -> Standing:
        """Where the item stands now, for a transition."""
        return standing_of(self.item)

    def move(self, to: Standing) -> None:
        """Put the item where a transition says."""
        stand(self.item, to)

    def write(self, changes: Changes) -> bool:
        """Set the given fields; returns whether any of them differs from what it was."""
        before = _columns(self.item)
        write(self.item, changes)
        return _columns(self.item) != before

    def done(self) -> WorkItem:
        """Save and record the change; an item that is as it was is neither saved nor recorded."""
        item = self.item
        differing = [name for name, value in _columns(item).items() if value != self._columns[name]]
        if differing:
            item.version += 1
            item.updated_at, item.updated_by_id = self.at, self.by.user_id
            item.save(update_fields=[*differing, *_BOOKKEEPING])
            events.record_updated(item, self._body, at=self.at, by=self.by)
        return item


def locked(item_pk: int, *, by: Actor, version: int | None = None) -> WorkItem:
    """An item's row, locked until the transaction ends; raises NotFound, or Conflict for a version that has passed."""
    rows = queries.visible(queries.for_events(), by).filter(pk=item_pk)
    found = rows.select_for_update(of=("self",), no_key=True).first()
    if found is None:
        raise not_found("work_item")
    if version is not None and version != found.version:
        raise Conflict("version_conflict", "The work item has been changed since it was read.", field="version")
    return found


def reason_for(actor: Actor) -> StatusReason:
    """The status reason that says who brought a change about."""
    if policy.is_system(actor):
        return StatusReason.UPDATED_BY_SYSTEM
    machine = actor.credential_id is not None or actor.user_type == UserType.ROBOT
    return StatusReason.UPDATED_BY_INTEGRATION if machine else StatusReason.UPDATED_BY_RESOURCE


def require_may_work(actor: Actor) -> None:
    """Raise Forbidden unless the actor may work on items."""
    policy.require(policy.may_work(actor), "feature_missing", "This needs a role that may work on work items.")


def standing_of(item: WorkItem) -> Standing:
    """What transitions read of an item."""
    return Standing(
        kind=ProcessType(item.kind),
        status=Status(item.status),
        reason=StatusReason(item.status_reason),
        assignee=item.assignee_id,
        wait_type=None if item.wait_type is None else WaitType(item.wait_type),
        wait_until=item.wait_until,
        method=ResolutionMethod(item.resolution_method) if item.resolution_method else None,
        resolved_on=item.resolved_on,
        resolved_by=item.resolved_by_id,
        closes_on=item.closes_on,
        closed_on=item.closed_on,
    )


def stand(item: WorkItem, to: Standing) -> None:
    """Write what a transition says into an item."""
    item.status, item.status_reason = to.status, to.reason
    item.assignee_id = to.assignee
    item.wait_type, item.wait_until = to.wait_type, to.wait_until
    item.resolution_method = to.method or ""
    item.resolved_on, item.resolved_by_id = to.resolved_on, to.resolved_by
    item.closes_on, item.closed_on = to.closes_on, to.closed_on


def write(item: WorkItem, changes: Changes) -> None:
    """Set the given fields of an item after checking each; raises Invalid with the field."""
    if (title := changes.get("title")) is not None:
        item.title = text.line(title, field="title", longest=LONGEST_TITLE)
    if (description := changes.get("description")) is not None:
        item.description = text.prose(description, field="description", longest=LONGEST_DESCRIPTION)
    if (category_guid := changes.get("category_guid")) is not None:
        _write_category(item, category_guid)
    if (given := changes.get("custom_data")) is not None:
        merged = {**item.custom_data, **given}
        item.custom_data = text.json_object(merged, field="custom_data", longest=LONGEST_CUSTOM_DATA)
    if (count := changes.get("record_count")) is not None:
        if not 1 <= count <= MOST_RECORDS:
            raise Invalid("record_count_invalid", "The record count must be at least 1.", field="record_count")
        item.record_count = count
    if (due := changes.get("due_date")) is not None:
        _write_due_date(item, due)
    if item.status != Status.DRAFT:
        check_complete(item)


def check_complete(item: WorkItem) -> None:
    """Raise Invalid unless the item has what it needs outside a draft: a title, a ticket also its category."""
    if not item.title:
        raise Invalid("title_blank", "The title cannot be blank.", field="title")
    if item.kind == ProcessType.TICKET and item.category_id is None:
        raise Invalid("category_missing", "A ticket needs a category.", field="category_guid")


def _write_category(item: WorkItem, guid: UUID) -> None:
    if item.kind != ProcessType.TICKET:
        raise Invalid("category_not_for_kind", "Only tickets have a category.", field="category_guid")
    item.category = catalogue.category(item.process_version, guid)


def _write_due_date(item: WorkItem, due: datetime) -> None:
    if due.tzinfo is None or due < item.created_at:
        message = "A due date names its time zone and is not before the creation of its work item."
        raise Invalid("due_date_invalid", message, field="due_date")
    if due != item.due_date:
        item.due_date, item.due_date_overridden = due, True


def _columns(item: WorkItem) -> dict[str, Any]:
    fields = [field.attname for field in WorkItem._meta.concrete_fields]
    return {name: deepcopy(getattr(item, name)) for name in fields if name not in _BOOKKEEPING}
