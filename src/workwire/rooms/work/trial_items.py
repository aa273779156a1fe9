"""The case of a trial and its actions: work items that are never saved, with what rules say of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.models import ActionDefinition, ProcessType, ProcessVersion
from workwire.rooms.work import item_due_dates
from workwire.rooms.work.commands import allocation, family_data, flow
from workwire.rooms.work.commands.starting import new_item
from workwire.rooms.work.models import Status, WorkItem


def new_case(version: ProcessVersion, custom_data: Mapping[str, Any], *, by: Actor, at: datetime) -> WorkItem:
    """A case that begins now with custom data; raises Invalid for values that are none."""
    case = new_item(ProcessType.CASE, version, at=at, by=by)
    case.status, case.started_at = Status.IN_PROGRESS, at
    write(case, custom_data, by=by, field="custom_data")
    item_due_dates.set_due(case, at)
    return case


def write(case: WorkItem, custom_data: Mapping[str, Any], *, by: Actor, field: str) -> None:
    """Set custom data of the case; raises Invalid, with the field below `field`."""
    if not custom_data:
        return
    try:
        family_data.set_values(case, case, custom_data, by=by)
    except Invalid as error:
        below = (error.field or "").removeprefix("custom_data")
        raise error.as_a(Invalid, field=f"{field}{below}") from error


def new_action(case: WorkItem, definition: ActionDefinition, *, by: Actor, at: datetime) -> WorkItem:
    """An action that starts now, with the due date of its rule and who would get it."""
    action = flow.new_action(case, definition, 1, at=at, by=by)
    item_due_dates.set_due(action, at)
    allocation.suppose(action, allocation.Cause({}, by, at))
    return action
