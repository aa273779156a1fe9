"""A work item under change: locked, compared with what it was, saved and recorded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import QuerySet

from workwire.kernel import clock, composed_writes, keys, text
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Conflict, Forbidden, Invalid, not_found
from workwire.outbox.changes import BOOKKEEPING, RowChange, altered, columns
from workwire.rooms.files import commands as files
from workwire.rooms.files.commands import FileWish
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.parties import tags
from workwire.rooms.work import (
    data_search,
    events,
    item_due_dates,
    item_timers,
    policy,
    queries,
    relations,
    transitions,
)
from workwire.rooms.work.commands import allocation, family_data, item_contacts
from workwire.rooms.work.commands.item_contacts import ContactWish
from workwire.rooms.work.item_timers import moments_of, set_timers
from workwire.rooms.work.models import ResolutionMethod, StartedBy, Status, StatusReason, WaitType, WorkItem
from workwire.rooms.work.transitions import DUE, FINISHED, OPEN, Standing
from workwire.rooms.work.who_gets_it import TABLE, Part

LONGEST_TITLE = 500
LONGEST_DESCRIPTION = 256 * 1024
MOST_RECORDS = 2_000_000_000


class Changes(TypedDict, total=False):
    """What may be written of a work item; None means the same as not given.

    `custom_data` sets the fields it names (None empties one) and leaves the others; `due_date` overrides the process's own
    rule, `follow_rule` goes back to that; `keep_with_me` says that the item comes back to the actor (False: to nobody in
    particular), `keep_actions_with_me` that all future actions of a case do; `contacts` and `files` are wishes for single
    ones, those not named stay.
    """

    title: str | None
    description: str | None
    category_guid: UUID | None
    custom_data: Mapping[str, Any] | None
    record_count: int | None
    due_date: datetime | None
    follow_rule: bool
    schedule_period: UUID | None
    keep_with_me: bool | None
    keep_actions_with_me: bool | None
    contacts: Sequence[ContactWish] | None
    files: Sequence[FileWish] | None


class Change:
    """One item in one command: remembers what it was; `done` saves and records it if anything differs."""

    def __init__(self, item: WorkItem, *, by: Actor) -> None:
        self.item, self.by, self.at = item, by, clock.now()
        self._columns, self._moments, self._origins = columns(item), moments_of(item), item.data_origins
        self._beside: list[RowChange] = []
        self._by_hand = self._by_editing = False

    @property
    def standing(self) -> Standing:
        """Where the item stands now, for a transition."""
        return standing_of(self.item)

    def move(self, to: Standing) -> None:
        """Put the item where a transition says; time that it waited moves its due date, where its rule says so."""
        if self.item.status == Status.WAITING and to.status in DUE:
            item_due_dates.add_wait(self.item, self.at)
        if to.status in FINISHED:
            self.item.news_since = None
        self.item.waiting_since = None if to.status != Status.WAITING else self.item.waiting_since or self.at
        stand(self.item, to)

    def give(self, who: int | None, reason: StatusReason) -> None:
        """Give the item by hand to somebody, or to nobody: as its assignee, or as the owner of what waits and of a case."""
        self._by_hand = True
        situation = allocation.situation(self.item)
        if self.item.status in FINISHED or Part.OWNER not in TABLE[situation]:
            of_case = self.item.kind == ProcessType.CASE
            self.move(
                transitions.give(self.standing, who, StatusReason(self.item.status_reason) if of_case else reason)
            )
        else:
            self.item.owner_id, self.item.status_reason = who, reason

    def give_back(self) -> None:
        """Take the item by hand from who has it: it is to do again, where its kind allows."""
        self._by_hand = True
        keeps = self.item.kind == ProcessType.CASE and self.item.status in OPEN
        reason = StatusReason(self.item.status_reason) if keeps else reason_for(self.by)
        self.move(transitions.unassign(self.standing, reason, at=self.at))
        self.item.owner_id = None

    def take(self, who: int, reason: StatusReason, *, by_editing: bool) -> None:
        """Put the item in progress for somebody, who takes a case as its owner unless by editing it."""
        self._by_hand, self._by_editing = not by_editing, by_editing
        self.item.news_since = None
        self.move(transitions.take(self.standing, who, reason))
        if self.item.kind == ProcessType.CASE and not by_editing:
            self.item.assignee_id, self.item.owner_id = None, who

    def note_news(self) -> None:
        """Note at an open case that something new came in, unless who has it brought it."""
        item = self.item
        brought = self.by.user_id is not None and policy.holder_of(item) == self.by.user_id
        if item.kind == ProcessType.CASE and item.status in OPEN and not brought:
            item.news_since = item.news_since or self.at

    def acknowledge(self) -> None:
        """Note that what came in at a case is known."""
        self.item.news_since = None
        self.move(transitions.acknowledge(self.standing, reason_for(self.by)))

    def touch(self, changes: Sequence[RowChange]) -> None:
        """Say that something belonging to the item changed that is no column of it."""
        self._beside += changes

    def write(self, changes: Changes, line: Sequence[Change] = ()) -> bool:
        """Set the given fields, contacts and files; returns whether any of them differs from what it was. `line` are the
        changes of the cases above the item, which must be locked when custom data or contacts of it are set."""
        before, beside = columns(self.item), len(self._beside)
        self.touch(attach(self.item, changes, by=self.by, at=self.at))
        if given := changes.get("custom_data"):
            family_data.write(self, given, self._holder(line))
        write(self.item, changes, by=self.by)
        return len(self._beside) > beside or columns(self.item) != before

    def settle(self) -> list[RowChange]:
        """Write what differs, for the change of another item to tell; returns it."""
        own = altered(self.item, self._columns)
        if own:
            self.item.version += 1
            composed_writes.update(self.item, *(own[0].new or {}), *self._of_origins(), "version")
            data_search.keep(self.item)
            self._columns = columns(self.item)
        return own

    def _of_origins(self) -> Sequence[str]:
        """The column that says where values were written, if it differs."""
        changed = self.item.data_origins != self._origins
        self._origins = self.item.data_origins
        return ("data_origins",) if changed else ()

    def _holder(self, line: Sequence[Change]) -> Change:
        """The change of the locked item that keeps the custom data of the family."""
        top = self.item.family_id
        if top is None:
            return self
        return next((one for one in line if one.item.pk == top), None) or Change(locked(top, by=SYSTEM), by=self.by)

    def flush(self) -> None:
        """Write what differs already, for statements that are to see it; `done` still records the change."""
        if own := altered(self.item, self._columns):
            differing = own[0].new or {}
            composed_writes.update(self.item, *differing, *keys.following(self.item, differing))

    def done(self) -> WorkItem:
        """Save and record the change; an item that is as it was is neither saved nor recorded."""
        item = self.item
        if self._beside or columns(item) != self._columns:
            self._allocate()
            item_due_dates.note_passing(item, self.at)
            own = altered(item, self._columns)
            item.version += 1
            item.updated_at, item.updated_by_id = self.at, self.by.user_id
            differing = own[0].new or {} if own else {}
            unrecorded = (*(self._note_state() if "status" in differing else ()), *self._of_origins())
            composed_writes.update(item, *differing, *keys.following(item, differing), *BOOKKEEPING, *unrecorded)
            data_search.keep(item)
            set_timers(item, self._moments)
            if item.status == Status.CLOSED and "status" in differing and item.started_by_method == StartedBy.TICKET:
                item_timers.look_at_divided(relations.made_from(item), self.at)
            if item.kind == ProcessType.CASE and "title" in differing and self._columns["status"] != Status.DRAFT:
                item_timers.look_at_title(queries.open_actions_of(item), self.at)
            self._moments = moments_of(item)
            events.record_updated(item, at=self.at, by=self.by, changes=own + self._beside)
            self._columns, self._beside = columns(item), []
        return item

    def _note_state(self) -> Sequence[str]:
        """Note who set the state of the item and when, and that it was reopened; returns the columns that say so."""
        item = self.item
        item.status_set_by_id, item.status_set_at = self.by.user_id, self.at
        if self._columns["status"] not in FINISHED or item.status in FINISHED:
            return ("status_set_by_id", "status_set_at")
        item.reopened_by_id, item.reopened_on = self.by.user_id, self.at
        return ("status_set_by_id", "status_set_at", "reopened_by_id", "reopened_on")

    def _allocate(self) -> None:
        """Let the rules decide who gets the item; what they give to another than is at work on it is to do again."""
        item, worked = self.item, self.item.assignee_id
        cause = allocation.Cause(self._columns, self.by, self.at, by_hand=self._by_hand, by_editing=self._by_editing)
        allocation.allocate(item, cause)
        self._by_hand = self._by_editing = False
        if item.status == Status.IN_PROGRESS and item.kind != ProcessType.CASE and item.assignee_id != worked:
            self.move(transitions.give(self.standing, item.assignee_id, reason_for(self.by)))


def levels_above(item: WorkItem, most: int) -> int:
    """How many items lie above an item, counted up to `most`."""
    count, parent = 0, item.parent_id
    while parent is not None and count < most:
        count += 1
        parent = WorkItem.objects.filter(pk=parent).values_list("parent", flat=True).get()
    return count


def locked_line(item: WorkItem, *, by: Actor) -> list[Change]:
    """The cases above an item, outermost first, locked in this order before the item itself is; the system moves them,
    whether the actor sees them or not. A ticket that became a case lies above it, too, and is moved by the clock alone."""
    above: list[int] = []
    parent = item.parent_id
    while parent is not None:
        kind, further = WorkItem.objects.filter(pk=parent).values_list("kind", "parent").get()
        if kind != ProcessType.CASE:
            break
        above.insert(0, parent)
        parent = further
    return [Change(locked(pk, by=SYSTEM), by=by) for pk in above]


def locked(item_pk: int, *, by: Actor, version: int | None = None) -> WorkItem:
    """An item's row, locked until the transaction ends; raises NotFound, or Conflict for a version that has passed."""
    found = _TO_LOCK.first(by, pk=item_pk)
    if found is None:
        raise not_found("work_item")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.work_item")
    if found.category_id is not None and found.category is None:  # it got this one while the lock was waited for
        WorkItem.category.field.delete_cached_value(found)
    return found


def _to_lock(by: Actor, *, pk: int) -> QuerySet[WorkItem]:
    found = queries.visible(queries.for_events().select_related("category"), by)
    return found.filter(pk=pk).select_for_update(of=("self",), no_key=True)


_TO_LOCK = ComposedQuery(_to_lock)


def reason_for(actor: Actor) -> StatusReason:
    """The status reason that says who brought a change about."""
    if policy.is_system(actor):
        return StatusReason.UPDATED_BY_SYSTEM
    machine = actor.credential_id is not None or actor.user_type == UserType.ROBOT
    return StatusReason.UPDATED_BY_INTEGRATION if machine else StatusReason.UPDATED_BY_RESOURCE


def require_may_edit(actor: Actor, item: WorkItem) -> None:
    """Raise Forbidden unless the actor may edit the item: not one that is somebody else's work, except who gives work out."""
    policy.require(policy.may_change(actor, item), "feature_missing.to_work")
    holder = item.owner_id if item.status == Status.WAITING else item.assignee_id
    others = holder is not None and holder != actor.user_id
    if others and not policy.may_distribute(actor, item, holder):
        raise Forbidden("not_assigned_to_you")


def require_may_work(actor: Actor) -> None:
    """Raise Forbidden unless the actor may work on items."""
    policy.require(policy.may_work(actor), "feature_missing.to_work")


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
        needs_attention=item.attention is not None,
    )


def stand(item: WorkItem, to: Standing) -> None:
    """Write what a transition says into an item."""
    item.status, item.status_reason = to.status, to.reason
    item.assignee_id = to.assignee
    item.wait_type, item.wait_until = to.wait_type, to.wait_until
    item.resolution_method = to.method or ""
    item.resolved_on, item.resolved_by_id = to.resolved_on, to.resolved_by
    item.closes_on, item.closed_on = to.closes_on, to.closed_on


def write(item: WorkItem, changes: Changes, *, by: Actor) -> None:
    """Set the given columns of an item after checking each; raises Invalid with the field."""
    if (title := changes.get("title")) is not None:
        _write_title(item, text.line(title, field="title", longest=LONGEST_TITLE))
    if (description := changes.get("description")) is not None:
        item.description = text.prose(description, field="description", longest=LONGEST_DESCRIPTION)
    if (category_guid := changes.get("category_guid")) is not None:
        _write_category(item, category_guid)
    if (count := changes.get("record_count")) is not None:
        if not 1 <= count <= MOST_RECORDS:
            raise Invalid("record_count_invalid", field="record_count")
        if count != item.record_count and not item.work_type.counts_records:
            raise Invalid("records_not_counted", field="record_count")
        item.record_count = count
    _write_due_date(item, changes)
    _write_keeping(item, changes, by)
    if (period := changes.get("schedule_period")) is not None:
        _write_schedule_period(item, period)
    if item.status != Status.DRAFT:
        check_complete(item)


def attach(item: WorkItem, changes: Changes, *, by: Actor, at: datetime) -> list[RowChange]:
    """Fulfil the wishes for contacts and files of a saved, locked item; returns what changed."""
    wished, kept = changes.get("contacts"), changes.get("files")
    of_contacts = item_contacts.set_contacts(item, wished, by=by, at=at) if wished else []
    if of_contacts and item.started_at is not None and item.work_type.contacts_mandatory:
        _check_contacts(item)
    return of_contacts + (files.keep(item.pk, kept, by=by, at=at) if kept else [])


def check_complete(item: WorkItem) -> None:
    """Raise Invalid unless the item has what it needs outside a draft: a title, a description where its process asks for one,
    a ticket also its category."""
    if not item.title:
        raise Invalid("title_blank", field="title")
    if item.process_version.requires_description and item.kind != ProcessType.ACTION and not item.description.strip():
        raise Invalid("description_blank", field="description")
    if item.kind == ProcessType.TICKET and item.category_id is None:
        raise Invalid("category_missing", field="category")


def check_ready(item: WorkItem) -> None:
    """Raise Invalid unless a saved draft may become work: complete, with the contacts and the schedule its process wants."""
    check_complete(item)
    if item.process_version.schedule_id is not None and item.schedule_period_id is None:
        raise Invalid("schedule_period_missing", field="schedule_period")
    _check_contacts(item)


def _check_contacts(item: WorkItem) -> None:
    """Raise Invalid unless the item has the contacts that its version or its type wants."""
    version, of_type = item.process_version, item.work_type.contacts_mandatory
    if (version.requires_primary_contact or of_type) and not item_contacts.has_tag(item, tags.PRIMARY):
        raise Invalid("primary_contact_missing", field="contacts")
    if (version.requires_requester or of_type) and not item_contacts.has_tag(item, tags.REQUESTER):
        raise Invalid("requester_missing", field="contacts")


def _write_title(item: WorkItem, title: str) -> None:
    """Set the title; raises Conflict for another one of an action, which has that of its case, and of what was submitted,
    where its process keeps titles as they are."""
    if item.kind == ProcessType.ACTION and title != item.title:
        raise Conflict("title_of_case", field="title")
    submitted = item.pk is not None and item.status != Status.DRAFT and item.kind != ProcessType.ACTION
    if submitted and title != item.title and not item.process_version.title_editable:
        raise Conflict("title_fixed", field="title")
    item.title = title


def _write_category(item: WorkItem, guid: UUID) -> None:
    if item.kind != ProcessType.TICKET:
        raise Invalid("category_not_for_kind", field="category")
    found = offering.category(item.process_version, guid)
    if item.pk is None:
        item.category = found
    elif found.pk != item.category_id:
        before = item_due_dates.rule_of(item)
        item.category = found
        item_due_dates.follow_category(item, before)


def _write_keeping(item: WorkItem, changes: Changes, by: Actor) -> None:
    if (wished := changes.get("keep_with_me")) is not None:
        item.keep_with_id = _kept_with(by) if wished else None
    if (wished := changes.get("keep_actions_with_me")) is not None:
        if item.kind != ProcessType.CASE:
            raise Invalid("keep_actions_of_a_case", field="keep_actions_with_me")
        item.keep_actions_with_id = _kept_with(by) if wished else None


def _kept_with(by: Actor) -> int | None:
    """The actor, whom an item is kept with; raises Forbidden for one that work is not given to."""
    policy.require(policy.may_work(by) and by.user_id is not None, "feature_missing.to_work")
    return by.user_id


def _write_due_date(item: WorkItem, changes: Changes) -> None:
    if (due := changes.get("due_date")) is not None:
        item_due_dates.override(item, due)
    elif changes.get("follow_rule"):
        item_due_dates.follow_rule(item)


def _write_schedule_period(item: WorkItem, guid: UUID) -> None:
    period = offering.schedule_period(guid, item.process_version.schedule_id)
    if item.status != Status.DRAFT and item.pk is not None and period.pk != item.schedule_period_id:
        raise Conflict("schedule_fixed", field="schedule_period")
    item.schedule_period = period
