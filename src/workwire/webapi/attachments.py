"""Upload a file for later, and attach a file to a work item."""

from __future__ import annotations

from workwire.kernel.errors import named
from workwire.kernel.json_bodies import LARGEST_WITH_FILES
from workwire.rooms.files import commands as files
from workwire.rooms.work import commands, queries
from workwire.webapi.calls import Call, Malformed
from workwire.webapi.item_changes import tags_named
from workwire.webapi.operations import operation


@operation("Packet/PrepareNewFile", "POST")
def prepare_new_file(call: Call) -> str:
    """Upload a file, kept for a day until a later call names its GUID; returns the GUID as a JSON string."""
    if call.upload is None:
        raise Malformed("file_missing", field="file")
    kept = files.prepare(call.upload.chunks(), call.upload.name or "", by=call.actor)
    return str(kept.guid)


@operation("Packet/AttachFile", "POST", absent=403, largest=LARGEST_WITH_FILES)
def attach_file(call: Call) -> str:
    """Attach a file to a work item; returns the file's GUID as a JSON string."""
    item = queries.item(call.guid("PacketGUID"), by=call.actor)
    wish = files.FileWish(
        data=call.data("Data"),
        file_name=call.text("FileName"),
        note=call.text("Note"),
        tags=tags_named(call, "FileTagGUID"),
    )
    with named({"files": "", "files.upload": "Data"}):
        return str(commands.attach_file(item, wish, by=call.actor).guid)
