"""Tickets, cases and actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workwire.rooms.catalogue.queries import ProcessType
from workwire.rooms.work import commands, queries
from workwire.webapi import answers
from workwire.webapi.calls import Call
from workwire.webapi.operations import operation

if TYPE_CHECKING:
    from workwire.rooms.work.commands.changing import Changes
    from workwire.rooms.work.models import WorkItem


@operation("Ticket/Create", "POST")
def create_ticket(call: Call) -> dict[str, Any]:
    """Start a ticket as a draft."""
    call.refuse_unsupported("Files", "Contacts", "RequesterUserGUID")
    version = call.guid("TicketAttributeVersionGUID")
    made = commands.create_ticket(version, by=call.actor, **_changes(call))
    return answers.ticket_packet(_read(made, call), call.actor.user_id)


@operation("Ticket/Get", "GET")
def get_ticket(call: Call) -> dict[str, Any]:
    """One ticket."""
    return _get(call, "TicketGUID", ProcessType.TICKET)


@operation("Ticket/Update", "POST")
def update_ticket(call: Call) -> dict[str, Any]:
    """Change a ticket."""
    changed = _change(call, ProcessType.TICKET, commands.update)
    return answers.ticket_packet(changed, call.actor.user_id) | {"Processing": False}


@operation("Ticket/SetToDo", "POST", enveloped=True)
def submit_ticket(call: Call) -> dict[str, Any]:
    """Submit a draft."""
    return _changed(call, ProcessType.TICKET, commands.submit)


@operation("Ticket/Resolve", "POST", enveloped=True)
def resolve_ticket(call: Call) -> dict[str, Any]:
    """Resolve a ticket."""
    return _changed(call, ProcessType.TICKET, commands.resolve)


@operation("Case/Create", "POST", enveloped=True)
def create_case(call: Call) -> dict[str, Any]:
    """Start a case as a draft."""
    call.refuse_unsupported("Files", "Contacts", "SchedulePeriodGUID")
    version = call.guid("CaseAttributeVersionGUID")
    made = commands.create_case(version, by=call.actor, **_changes(call))
    return answers.full_item(_read(made, call), call.actor.user_id)


@operation("Case/Get", "GET")
def get_case(call: Call) -> dict[str, Any]:
    """One case."""
    return _get(call, "CaseGUID", ProcessType.CASE)


@operation("Case/Update", "POST", enveloped=True)
def update_case(call: Call) -> dict[str, Any]:
    """Change a case."""
    return _changed(call, ProcessType.CASE, commands.update)


@operation("Case/SetToDo", "POST", enveloped=True)
def submit_case(call: Call) -> dict[str, Any]:
    """Submit a draft, which starts the first step."""
    return _changed(call, ProcessType.CASE, commands.submit)


@operation("Case/SetResolved", "POST", enveloped=True)
def resolve_case(call: Call) -> dict[str, Any]:
    """Resolve a case under which nothing is open."""
    return _changed(call, ProcessType.CASE, commands.resolve)


@operation("Action/Get", "GET")
def get_action(call: Call) -> dict[str, Any]:
    """One action."""
    return _get(call, "ActionGUID", ProcessType.ACTION)


@operation("Action/ResolveSuccessfully", "POST", enveloped=True)
def resolve_action(call: Call) -> dict[str, Any]:
    """Finish an action; what follows it starts."""
    return _changed(call, ProcessType.ACTION, commands.resolve)


def _get(call: Call, name: str, kind: ProcessType) -> dict[str, Any]:
    return answers.full_item(queries.item(call.guid(name), by=call.actor, kind=kind), call.actor.user_id)


def _changed(call: Call, kind: ProcessType, command: Callable[..., WorkItem]) -> dict[str, Any]:
    return answers.full_item(_change(call, kind, command), call.actor.user_id)


def _change(call: Call, kind: ProcessType, command: Callable[..., WorkItem]) -> WorkItem:
    call.refuse_unsupported("Files", "Contacts", "SchedulePeriodGUID")
    item = queries.item(call.guid("GUID"), by=call.actor, kind=kind)
    return _read(command(item, by=call.actor, **_changes(call)), call)


def _changes(call: Call) -> Changes:
    """The fields that calls about items share. An empty title is none given, for forms send what they do not fill."""
    return {
        "title": call.text("Title") or None,
        "description": call.text("Description"),
        "custom_data": call.mapping("DataFields"),
        "record_count": call.number("AffectedRecordCount"),
        "category_guid": call.inner_guid("TicketCategoryAttribute"),
    }


def _read(item: WorkItem, call: Call) -> WorkItem:
    """The item as it is after the command, with all that answers show."""
    return queries.item(item.guid, by=call.actor)
