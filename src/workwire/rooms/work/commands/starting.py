"""How work items come into existence and become work to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Unpack
from uuid import UUID

from django.db import transaction

from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.composed_writes import insert_numbered
from workwire.outbox.changes import RowChange, added
from workwire.rooms.files import commands as files
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ProcessType, ProcessVersion
from workwire.rooms.work import data_search, events, families, item_due_dates, policy, relations, transitions
from workwire.rooms.work.commands import allocation, family_data, flow, item_contacts
from workwire.rooms.work.commands.changing import (
    Change,
    Changes,
    attach,
    check_complete,
    check_ready,
    locked,
    reason_for,
    stand,
    write,
)
from workwire.rooms.work.models import StartedBy, WorkItem

FIRST_NUMBER = 100_000
_LETTERS = {ProcessType.TICKET: "T", ProcessType.CASE: "C"}
_METHODS = {
    UserType.OPERATIONAL: (StartedBy.OPERATIONAL_USER, StartedBy.OPERATIONAL_USER_IN_BULK),
    UserType.SELF_SERVICE: (StartedBy.SELF_SERVICE_USER, StartedBy.SELF_SERVICE_USER),
    UserType.ROBOT: (StartedBy.ROBOT_USER, StartedBy.ROBOT_USER_IN_BULK),
}


@transaction.atomic
def create_ticket(version_guid: UUID, *, by: Actor, submit: bool = False, **fields: Unpack[Changes]) -> WorkItem:
    """Start a ticket of a live process version as a draft, or submitted in the same breath; raises NotFound for a
    version that is not live or not seen."""
    return _create(ProcessType.TICKET, version_guid, fields, at_once=submit, by=by)


@transaction.atomic
def create_case(version_guid: UUID, *, by: Actor, submit: bool = False, **fields: Unpack[Changes]) -> WorkItem:
    """Start a case like `create_ticket`; submitting it starts its first step."""
    return _create(ProcessType.CASE, version_guid, fields, at_once=submit, by=by)


@transaction.atomic
def submit(item: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]) -> WorkItem:
    """Turn a draft into work to do: its due date is set, a case starts its first step.

    Raises Invalid (`title_blank`, `category_missing`, `primary_contact_missing` …) when something it needs is neither
    there nor given.
    """
    change = Change(locked(item.pk, by=by, version=version), by=by)
    item = change.item
    _require_may_change(by, item)
    make_work_of(change, changes)
    if item.kind == ProcessType.CASE:
        flow.begin(change)
    return change.done()


def make_work_of(change: Change, changes: Changes) -> None:
    """Turn the draft of a change into work to do, with what else is given; raises Invalid when something is missing."""
    change.write(changes)
    check_ready(change.item)
    change.move(transitions.submit(change.standing, reason_for(change.by)))
    _become_work(change.item, change.at)


def started(
    kind: ProcessType,
    version: ProcessVersion,
    fields: Changes,
    *,
    at_once: bool,
    by: Actor,
    parent: WorkItem | None = None,
    independent: bool = False,
    origin: WorkItem | None = None,
    family: Change | None = None,
    copied: Callable[[WorkItem], list[RowChange]] | None = None,
) -> WorkItem:
    """A new ticket or case of a version, inside the caller's transaction: a draft, or work to do `at_once`.

    What is made of a ticket, its `origin`, gets copies of that one's custom data and contacts; a ticket is counted from the
    same start and gets copies of the files, a case gets the number. What is made in a `parent` case keeps its custom data at
    the case of the change `family`. `copied` gives any other item what it is to have from elsewhere, and returns what that
    changed.
    """
    at = clock.now()
    item = new_item(kind, version, at=at, by=by)
    item.parent, item.independent = parent, independent
    if origin is not None:
        _come_from(item, origin)
    if parent is not None and parent.kind == ProcessType.CASE:
        families.join(item, parent)
    stand(item, transitions.create(kind, draft=not at_once))
    given = dict(fields.get("custom_data") or {})
    given = given if origin or parent else offering.default_values(version) | given  # given as None: has no default
    shared = _set_custom_data(item, given, family, by=by)
    write(item, fields, by=by)
    if at_once:
        _become_work(item, at)
    allocation.allocate(item, allocation.Cause({}, by, at))
    item_due_dates.note_passing(item, at)
    if item.reference is None:
        insert_numbered(item, reference=f"({FIRST_NUMBER} + n.id) || '-{_LETTERS[kind]}'")
    else:
        item.save(force_insert=True)
    (data_search.keep if origin is None else data_search.keep_new)(item)
    brought: list[RowChange] = []
    if origin is not None:
        brought = _copied(origin, item, by=by, at=at)
    elif copied is not None:
        brought = copied(item)
    attached = brought + attach(item, fields, by=by, at=at)
    if shared is not None:
        family_data.name_origin(item, shared.item)
        attached += shared.settle()
    if at_once:
        check_ready(item)
    if at_once and kind == ProcessType.CASE:
        flow.begin_new(item, at=at, by=by, changes=attached)
    else:
        events.record_created(item, at=at, by=by, changes=added(item) + attached)
    return item


def started_by(actor: Actor) -> StartedBy:
    """What brings work into being that an actor starts."""
    if actor.user_type is None:
        return StartedBy.WORKFLOW
    return _METHODS[actor.user_type][actor.in_bulk]


def new_item(kind: ProcessType, version: ProcessVersion, *, at: datetime, by: Actor) -> WorkItem:
    """A ticket or case of a version that is not saved yet, as it begins before anything is written of it."""
    process = version.process
    contract = process.service.contract
    return WorkItem(
        kind=kind,
        customer=contract.customer,
        contract=contract,
        service=process.service,
        process=process,
        process_version=version,
        work_type=process.work_type,
        started_by_method=started_by(by),
        started_by_id=by.user_id,
        status_set_by_id=by.user_id,
        status_set_at=at,
        created_at=at,
        updated_at=at,
        updated_by_id=by.user_id,
    )


def _create(kind: ProcessType, version_guid: UUID, fields: Changes, *, at_once: bool, by: Actor) -> WorkItem:
    policy.require(policy.may_start(by), "feature_missing.to_start")
    return started(kind, offering.live_version(version_guid, by=by, kind=kind), fields, at_once=at_once, by=by)


def _set_custom_data(item: WorkItem, given: Mapping[str, Any], family: Change | None, *, by: Actor) -> Change | None:
    """Set custom data of a new item; returns the change of the case that keeps it, where that is another one."""
    if not given:
        return None
    keeper = family if item.family_id is not None else None
    family_data.set_values(item, item if keeper is None else keeper.item, given, by=by)
    return keeper


def _come_from(item: WorkItem, origin: WorkItem) -> None:
    """What a new item has of the ticket it is made of. No other case has that ticket's number, for one table counts both."""
    item.started_by_method = StartedBy.TICKET
    item.custom_data, item.record_count = dict(origin.custom_data), origin.record_count
    if item.kind == ProcessType.TICKET:
        item.started_at = origin.started_at
    else:
        item.data_origins = dict.fromkeys(origin.custom_data, origin.pk)
        item.reference = f"{(origin.reference or '').partition('-')[0]}-{_LETTERS[ProcessType.CASE]}"


def _copied(origin: WorkItem, item: WorkItem, *, by: Actor, at: datetime) -> list[RowChange]:
    """Copy the contacts of a ticket to what is made of it, and its files, with those of tickets that went into it, to another
    ticket; a case shows them anyway."""
    contacts = item_contacts.copy(origin, item, by=by, at=at)
    if item.kind != ProcessType.TICKET:
        return contacts
    return contacts + files.copy(relations.own_and_taken_over(origin, by=by), item.pk, by=by, at=at)


def _become_work(item: WorkItem, at: datetime) -> None:
    """What an item gets when it stops being a draft: its start, its due date."""
    check_complete(item)
    item.started_at = item.started_at or at
    item_due_dates.set_due(item, at)


def _require_may_change(actor: Actor, item: WorkItem) -> None:
    policy.require(policy.may_change(actor, item), "feature_missing.to_work")
