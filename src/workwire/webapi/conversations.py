"""Communications of work items."""

from __future__ import annotations

from typing import Any

from workwire.rooms.conversations import commands, queries
from workwire.rooms.work import queries as work
from workwire.webapi import answers
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.operations import operation


@operation("PacketCommunication/AddPacketCommunication", "POST")
def add_packet_communication(call: Call) -> dict[str, Any]:
    """Record a note, call, letter or mail."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    made = commands.add(
        item,
        by=call.actor,
        kind=_kind(call.value("CommunicationType")),
        body=call.text("Body") or "",
        is_resolution=call.flag("IsResolutionCommunication") or False,
        is_system_generated=call.flag("IsSystemGenerated") or False,
    )
    return answers.communication(queries.communication(made.guid, by=call.actor), call.actor.user_id, full=True)


@operation("PacketCommunication/GetCommunications", "GET")
def get_communications(call: Call) -> list[dict[str, Any]]:
    """What was said about a work item, newest first."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    rows = queries.communications_of(item, by=call.actor)
    return [answers.communication(row, call.actor.user_id, full=False) for row in rows]


@operation("PacketCommunication/GetCommunication", "GET")
def get_communication(call: Call) -> dict[str, Any]:
    """One communication; its HTML is made harmless unless the caller asks for it as it came."""
    row = queries.communication(call.guid("CommunicationGUID"), by=call.actor)
    shown = answers.communication(row, call.actor.user_id, full=True)
    if call.flag("SanitizeHTMLBody") is not False:
        shown["HTMLBody"] = answers.harmless(shown["HTMLBody"])
    return shown


def _kind(value: Any) -> queries.CommunicationType | None:
    if value is None or value == "":
        return None
    written = str(value).strip().lower()
    for kind in queries.CommunicationType:
        if written in (kind.label.lower(), str(int(kind))):
            return kind
    raise Malformed("communication_type_unknown", "CommunicationType is unknown.", field="CommunicationType")
