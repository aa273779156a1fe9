"""Tickets, cases and actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workwire.kernel.errors import named
from workwire.kernel.json_bodies import LARGEST_WITH_FILES
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.queries import ProcessType
from workwire.rooms.work import commands, queries
from workwire.webapi import packets
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.item_changes import changes
from workwire.webapi.operations import operation

if TYPE_CHECKING:
    from uuid import UUID

    from workwire.rooms.work.models import WorkItem


@operation("Ticket/Create", "POST", doubled=True, largest=LARGEST_WITH_FILES)
def create_ticket(call: Call) -> dict[str, Any]:
    """Start a ticket as a draft, of a process version or of a category's."""
    wish = changes(call)
    requester = call.optional_guid("RequesterUserGUID")
    if requester is not None and requester.int:
        if wish["contacts"]:
            raise Malformed("requester_with_contacts", field="RequesterUserGUID")
        wish["contacts"] = [commands.requester(requester)]
    with named({"process_version": "TicketAttributeVersionGUID"}):
        made = commands.create_ticket(_ticket_version(call, wish["category_guid"]), by=call.actor, **wish)
    return packets.ticket_packet(_as_made(made, call), call.actor, contacts=None if wish["contacts"] else ())


@operation("Ticket/Get", "GET")
def get_ticket(call: Call) -> dict[str, Any]:
    """Get one ticket."""
    return _get(call, "TicketGUID", ProcessType.TICKET)


@operation("Ticket/Update", "POST", doubled=True, largest=LARGEST_WITH_FILES)
def update_ticket(call: Call) -> dict[str, Any]:
    """Change a ticket."""
    return packets.updated_ticket(_change(call, ProcessType.TICKET, commands.update), call.actor)


@operation("Ticket/SetToDo", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def submit_ticket(call: Call) -> dict[str, Any]:
    """Submit a draft."""
    return _changed(call, ProcessType.TICKET, commands.submit)


@operation("Ticket/Resolve", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def resolve_ticket(call: Call) -> dict[str, Any]:
    """Resolve a ticket."""
    return _changed(call, ProcessType.TICKET, commands.resolve)


@operation("Case/Create", "POST", enveloped=True, absent=400, largest=LARGEST_WITH_FILES)
def create_case(call: Call) -> dict[str, Any]:
    """Start a case as a draft."""
    version = call.optional_guid("CaseAttributeVersionGUID")
    if version is None or not version.int:
        raise Malformed("case_version_missing", field="CaseAttributeVersionGUID")
    with named({"process_version": "CaseAttributeVersionGUID"}):
        made = commands.create_case(version, by=call.actor, **changes(call))
    return packets.full_item(_read(made, call), call.actor)


@operation("Case/Get", "GET")
def get_case(call: Call) -> dict[str, Any]:
    """Get one case."""
    return _get(call, "CaseGUID", ProcessType.CASE)


@operation("Case/Update", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def update_case(call: Call) -> dict[str, Any]:
    """Change a case."""
    return _changed(call, ProcessType.CASE, commands.update)


@operation("Case/SetToDo", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def submit_case(call: Call) -> dict[str, Any]:
    """Submit a draft, which starts its first step, or advance a case that halted after a step."""
    return _changed(call, ProcessType.CASE, commands.submit_or_go_on)


@operation("Case/SetResolved", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def resolve_case(call: Call) -> dict[str, Any]:
    """Resolve a case under which nothing is open."""
    return _changed(call, ProcessType.CASE, commands.resolve)


@operation("Action/Get", "GET")
def get_action(call: Call) -> dict[str, Any]:
    """Get one action."""
    return _get(call, "ActionGUID", ProcessType.ACTION)


@operation("Action/Update", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def update_action(call: Call) -> dict[str, Any]:
    """Change an action."""
    return _changed(call, ProcessType.ACTION, commands.update)


@operation("Action/ResolveSuccessfully", "POST", enveloped=True, largest=LARGEST_WITH_FILES)
def resolve_action(call: Call) -> dict[str, Any]:
    """Resolve an action; the actions that follow it start."""
    return _changed(call, ProcessType.ACTION, commands.resolve)


@operation("Packet/CreatePacket", "POST", largest=LARGEST_WITH_FILES)
def create_packet(call: Call) -> dict[str, Any]:
    """Start a ticket or a case as a draft, whichever the process version is of."""
    guid = call.guid("ProcessVersionInstanceGUID")
    with named({"process_version": "ProcessVersionInstanceGUID"}):
        version = offering.live_version(guid, by=call.actor)
        kind = ProcessType(version.process.work_type.kind)
        create = commands.create_ticket if kind == ProcessType.TICKET else commands.create_case
        made = create(guid, by=call.actor)
    shown = packets.basic_item(_read(made, call))
    kept = {key: shown[key] for key in ("GUID", "Reference", "Title") if key in shown}
    return kept | {"ProcessType": kind.label, "ProcessTypeDescription": kind.label}


def _ticket_version(call: Call, category: UUID | None) -> UUID:
    version = call.optional_guid("TicketAttributeVersionGUID")
    if version is not None and version.int:
        return version
    if category is None:
        raise Malformed("ticket_version_missing", field="TicketAttributeVersionGUID")
    return offering.version_of_category(category, by=call.actor).guid


def _get(call: Call, name: str, kind: ProcessType) -> dict[str, Any]:
    item = queries.item(call.guid(name), by=call.actor, kind=kind)
    call.tag = item.version
    return packets.full_item(item, call.actor)


def _changed(call: Call, kind: ProcessType, command: Callable[..., WorkItem]) -> dict[str, Any]:
    return packets.full_item(_change(call, kind, command), call.actor)


def _change(call: Call, kind: ProcessType, command: Callable[..., WorkItem]) -> WorkItem:
    item, wish = queries.item(call.guid("GUID"), by=call.actor, kind=kind), changes(call)
    if kind == ProcessType.ACTION:
        wish["title"] = None  # forms send one, which is that of the case
    return _read(command(item, by=call.actor, version=call.version, **wish), call)


def _as_made(item: WorkItem, call: Call) -> WorkItem:
    """An item that a command has just made, with all that answers show; nothing of it need be read again."""
    item.started_by = item.updated_by = call.account
    if item.owner_id == call.actor.user_id:
        item.owner = call.account
    call.tag = item.version
    return item


def _read(item: WorkItem, call: Call) -> WorkItem:
    """The item as it is after the command, with all that answers show."""
    found = queries.item(item.guid, by=call.actor)
    call.tag = found.version
    return found
