"""Communications of work items."""

from __future__ import annotations

from typing import Any

from workwire.kernel.json_bodies import LARGEST_WITH_FILES
from workwire.rooms.conversations import commands, queries
from workwire.rooms.files.commands import FileWish
from workwire.rooms.work import queries as work
from workwire.webapi import record_bodies
from workwire.webapi.calls import Call, lowered
from workwire.webapi.item_changes import tags_named
from workwire.webapi.operations import operation


@operation("PacketCommunication/AddPacketCommunication", "POST", largest=LARGEST_WITH_FILES)
def add_packet_communication(call: Call) -> dict[str, Any]:
    """Record a note, call, letter or mail."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    made = commands.add(
        item,
        by=call.actor,
        kind=call.choice("CommunicationType", queries.CommunicationType),
        body=call.text("Body") or "",
        is_resolution=call.flag("IsResolutionCommunication") or False,
        is_system_generated=call.flag("IsSystemGenerated") or False,
    )
    return record_bodies.communication(queries.communication(made.guid, by=call.actor), call.actor, full=True)


@operation("PacketCommunication/SendEmailCommunication", "POST", largest=LARGEST_WITH_FILES)
def send_email_communication(call: Call) -> str:
    """Send a mail from a work item; returns the GUID of the communication as a JSON string."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    mail = commands.Mail(
        to=_addresses(call, "To"),
        copies=_addresses(call, "Cc"),
        blind_copies=_addresses(call, "Bcc"),
        subject=call.text("Subject") or "",
        body=call.text("Body") or "",
        sender=_sender(call),
        importance=queries.Importance.HIGH if call.flag("Important") else queries.Importance.NORMAL,
        attachments=[_attachment(entry) for entry in call.listed("Attachments")],
        is_resolution=call.flag("IsResolutionCommunication") or False,
        is_system_generated=call.flag("IsSystemGenerated") or False,
    )
    return str(commands.send_mail(item, mail, by=call.actor).guid)


@operation("PacketCommunication/GetCommunications", "GET")
def get_communications(call: Call) -> list[dict[str, Any]]:
    """List the communications of a work item, newest first."""
    item = work.item(call.guid("PacketGUID"), by=call.actor)
    rows = queries.communications_of(item, by=call.actor)
    return [record_bodies.communication(row, call.actor, full=False) for row in rows]


@operation("PacketCommunication/GetCommunication", "GET")
def get_communication(call: Call) -> dict[str, Any]:
    """Get one communication; its HTML is made harmless unless the caller asks for it as it came."""
    row = queries.communication(call.guid("CommunicationGUID"), by=call.actor)
    shown = record_bodies.communication(row, call.actor, full=True)
    if call.flag("SanitizeHTMLBody") is not False:
        shown["HTMLBody"] = record_bodies.harmless(shown["HTMLBody"])
    return shown


def _sender(call: Call) -> str:
    given = call.mapping("From")
    address = lowered(given).get("emailaddress") if given else None
    return address if isinstance(address, str) else ""


def _addresses(call: Call, name: str) -> list[str]:
    return [entry.text("EmailAddress") or "" for entry in call.listed(name)]


def _attachment(entry: Call) -> FileWish:
    return FileWish(data=entry.data("Data"), file_name=entry.text("FileName"), tags=tags_named(entry, "GUID"))
