"""What process versions look like: in short, and with all that is in them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from ninja import Schema

from workwire.api.v1.shapes import Guid, In
from workwire.api.v1.spelling import KindName, OverrideName, VersionStateName, spelled
from workwire.kernel.actor import Actor
from workwire.rooms.commitments.rules import Override
from workwire.rooms.offering import commands, queries

if TYPE_CHECKING:
    from workwire.rooms.offering.models import ActionDefinition, CaseStep, ProcessVersion, TicketCategory

EmptyStep = Literal["skip", "manual", "pause"]


class DueRuleIn(In):
    """When work is due: `amount` of `unit` after (or, negative, before) `base`; `of` names the schedule date or the field."""

    amount: int
    unit: Literal["hours", "working_hours", "days", "working_days"]
    base: Literal["start", "previous_end", "case_start", "schedule_date", "custom_date"] = "start"
    of: str = ""
    adjust: Literal["none", "next_morning", "end_of_day"] = "none"
    add_wait_time: bool = False
    override: OverrideName = "yes"


class CategoryOut(Schema):
    """A ticket category; `parent` is the one above it. `due` is the rule of its tickets where that is not the version's, `key`
    its identity in all versions of the process."""

    guid: Guid
    key: Guid
    name: str
    level: int
    parent: Guid | None
    due: DueRuleIn | None


class ActionOut(Schema):
    """An action of a case version; a `launchable` one may be started by hand. `key` is its identity in all versions of the
    process."""

    guid: Guid
    key: Guid
    number: int
    branch: int
    position: int
    name: str
    work_type: Guid
    instructions: str
    due: DueRuleIn | None
    queue: Guid | None
    person: Guid | None
    secondary_person: Guid | None
    job_position: Guid | None
    secondary_job_position: Guid | None
    launchable: bool
    effort_per_record: int | None
    checklist: list[str]


class StepOut(Schema):
    """A step of a case version; step 0 holds what is only launched by hand. `key` is its identity in all versions of the
    process."""

    guid: Guid
    key: Guid
    number: int
    name: str
    automatic: bool
    when_empty: EmptyStep
    milestone: int | None
    actions: list[ActionOut]


class VersionOut(Schema):
    """A version of a process; work is started with live ones."""

    guid: Guid
    process: Guid
    name: str
    kind: KindName
    number: int
    state: VersionStateName
    customer: Guid
    contract: Guid
    service: Guid


class VersionDetail(VersionOut):
    """A process version with the categories of a ticket or the steps of a case; `revision` counts its changes."""

    revision: int
    due: DueRuleIn | None
    queue: Guid | None
    person: Guid | None
    secondary_person: Guid | None
    job_position: Guid | None
    secondary_job_position: Guid | None
    schedule: Guid | None
    requires_primary_contact: bool
    requires_requester: bool
    requires_description: bool
    title_editable: bool
    effort_per_record: int | None
    categories: list[CategoryOut]
    steps: list[StepOut]


def version_detail(row: ProcessVersion, by: Actor) -> dict[str, Any]:
    """A process version with all that is in it."""
    ticket = row.process.work_type.kind == queries.ProcessType.TICKET
    return version_out(row, by) | {
        "revision": row.revision,
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "schedule": _guid(row.schedule),
        "requires_primary_contact": row.requires_primary_contact,
        "requires_requester": row.requires_requester,
        "requires_description": row.requires_description,
        "title_editable": row.title_editable,
        "effort_per_record": row.effort_per_record,
        "categories": [_category(category) for category in queries.categories_of(row)] if ticket else [],
        "steps": [] if ticket else [_step(step) for step in queries.steps_with_checklists(row)],
    }


def version_out(row: ProcessVersion, _actor: Actor) -> dict[str, Any]:
    """A process version in short."""
    service = row.process.service
    return {
        "guid": str(row.guid),
        "process": str(row.process.guid),
        "name": row.process.work_type.name,
        "kind": spelled(queries.ProcessType(row.process.work_type.kind)),
        "number": row.number,
        "state": spelled(queries.VersionState(row.state)),
        "customer": str(service.contract.customer.guid),
        "contract": str(service.contract.guid),
        "service": str(service.guid),
    }


def _category(row: TicketCategory) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "key": str(row.identity),
        "name": row.name,
        "level": row.level,
        "parent": _guid(row.parent),
        "due": due_out(row.due_rule),
    }


def _step(row: CaseStep) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "key": str(row.identity),
        "number": row.number,
        "name": row.name,
        "automatic": row.automatic,
        "when_empty": row.when_empty,
        "milestone": row.milestone,
        "actions": [_action(action) for action in row.actions.all()],
    }


def _action(row: ActionDefinition) -> dict[str, Any]:
    return {
        "guid": str(row.guid),
        "key": str(row.identity),
        "number": row.number,
        "branch": row.branch,
        "position": row.position,
        "name": row.work_type.name,
        "work_type": str(row.work_type.guid),
        "instructions": row.instructions,
        "due": due_out(row.due_rule),
        **allocation_out(row),
        "launchable": row.launchable,
        "effort_per_record": row.effort_per_record,
        "checklist": [line.description for line in row.checklist.all()],
    }


def allocation_out(row: ProcessVersion | ActionDefinition) -> dict[str, Any]:
    return {field.name: _guid(getattr(row, field.name)) for field in fields(commands.Allocation)}


def due_out(rule: dict[str, Any] | None) -> dict[str, Any] | None:
    """A due date rule as it goes out."""
    if rule is None:
        return None
    return rule | {"override": spelled(Override(rule.get("override", Override.YES)))}


def _guid(record: Any) -> str | None:
    return str(record.guid) if record is not None else None
