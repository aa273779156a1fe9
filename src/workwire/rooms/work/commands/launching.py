"""What is launched by hand from a running case: sub-cases, actions, the next step."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack
from uuid import UUID

from django.db import transaction

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition, ProcessType
from workwire.rooms.work import item_due_dates, transitions
from workwire.rooms.work.commands import deed_checks, flow
from workwire.rooms.work.commands.changing import (
    LONGEST_DESCRIPTION,
    Change,
    Changes,
    locked,
    locked_line,
    reason_for,
    require_may_work,
)
from workwire.rooms.work.commands.starting import started, started_by, submit
from workwire.rooms.work.models import Status, WorkItem

MOST_LAUNCHED = 100


@transaction.atomic
def launch_sub_case(
    case: WorkItem,
    version_guid: UUID,
    title: str,
    *,
    by: Actor,
    independent: bool = False,
    more: Changes | None = None,
) -> WorkItem:
    """Start a case from another one of the same customer, which waits until it ends unless the new one is `independent`;
    returns the new case. `more` is set of it beside its title. Raises Conflict (`nested_too_deep`) below a case that has too
    many above it."""
    require_may_work(by)
    line = locked_line(case, by=by) if (more or {}).get("custom_data") else []
    change = Change(locked(case.pk, by=by), by=by)
    deed_checks.launch_sub_case(change.item, by=by)
    version = offering.version_for_case(version_guid, by=by)
    if version.process.service.contract.customer_id != change.item.customer_id:
        raise Invalid("sub_case_of_other_customer", field="process_version")
    fields: Changes = {**(more or {}), "title": title}
    period = change.item.schedule_period
    if period is not None and period.schedule_id == version.schedule_id:
        fields.setdefault("schedule_period", period.guid)
    family = line[0] if line else change
    made = started(
        ProcessType.CASE,
        version,
        fields,
        at_once=True,
        by=by,
        parent=change.item,
        independent=independent,
        family=family,
    )
    if not independent and change.item.status != Status.WAITING and made.status not in transitions.FINISHED:
        change.move(transitions.wait_for_sub_case(change.standing, reason_for(by)))
        change.done()
    return made


@transaction.atomic
def launch_action(
    case: WorkItem,
    definition_guid: UUID,
    *,
    by: Actor,
    instructions: str | None = None,
    due_date: datetime | None = None,
    times: int = 1,
) -> list[WorkItem]:
    """Start an action of a running case by hand, up to 100 times, with instructions and a due date of its own."""
    require_may_work(by)
    change = Change(locked(case.pk, by=by), by=by)
    deed_checks.launch(change.item, by=by)
    if not 1 <= times <= MOST_LAUNCHED:
        raise Invalid("times_invalid", field="times", most=MOST_LAUNCHED)
    definition = offering.launchable(change.item.process_version).filter(guid=definition_guid).first()
    if definition is None:
        raise Invalid("action_not_in_case", field="action")
    present = WorkItem.objects.filter(parent=change.item.pk, definition=definition.pk).count()
    return [_launch(change, definition, present + number, instructions, due_date) for number in range(1, times + 1)]


@transaction.atomic
def start_next_step(case: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]) -> WorkItem:
    """Advance a case by hand: conditions that could not be evaluated are evaluated again, else it goes into its next step, or
    to its end after the last one.

    Raises Conflict while an action of the flow or a sub-case is open.
    """
    require_may_work(by)
    line = locked_line(case, by=by)
    change = Change(locked(case.pk, by=by, version=version), by=by)
    deed_checks.require_running(change.item)
    change.write(changes, line)
    flow.continue_by_hand([*line, change])
    return change.item


@transaction.atomic
def submit_or_go_on(case: WorkItem, *, by: Actor, version: int | None = None, **changes: Unpack[Changes]) -> WorkItem:
    """Submit a draft, or advance a case that halted after a step; with the changes given."""
    if case.status == Status.DRAFT:
        return submit(case, by=by, version=version, **changes)
    return start_next_step(case, by=by, version=version, **changes)


def _launch(
    change: Change, definition: ActionDefinition, count: int, instructions: str | None, due_date: datetime | None
) -> WorkItem:
    action = flow.new_action(change.item, definition, count, at=change.at, by=change.by)
    action.ad_hoc = True
    action.started_by_method, action.started_by_id = started_by(change.by), change.by.user_id
    if instructions:
        action.description = text.prose(instructions, field="instructions", longest=LONGEST_DESCRIPTION)
    if due_date is not None:
        item_due_dates.override(action, due_date)
    return flow.bring(action, at=change.at, by=change.by)
