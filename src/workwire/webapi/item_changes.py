"""Read the changes of a work item, with its files and contacts, from the body of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from workwire.rooms.files import commands as files
from workwire.rooms.files import queries as file_queries
from workwire.rooms.work import commands
from workwire.webapi.calls import Call, Malformed

if TYPE_CHECKING:
    from workwire.rooms.work.commands.changing import Changes


def changes(call: Call) -> Changes:
    """The fields that calls about items share. An empty title is none given, for forms send what they do not fill."""
    return {
        "title": call.text("Title") or None,
        "description": call.text("Description"),
        "custom_data": call.mapping("DataFields"),
        "record_count": call.number("AffectedRecordCount"),
        "category_guid": call.inner_guid("TicketCategoryAttribute"),
        "due_date": call.moment("OverrideDueDate"),
        "schedule_period": call.optional_guid("SchedulePeriodGUID"),
        "contacts": [_contact(entry) for entry in call.listed("Contacts")],
        "files": [_file(entry) for entry in call.listed("Files")],
    }


def tags_named(call: Call, key: str) -> tuple[files.TagWish, ...]:
    """File tags, by the key under which an operation names their GUIDs."""
    return tuple(files.TagWish(tag.guid(key), retired=tag.flag("Retired") or False) for tag in call.listed("Tags"))


def _file(entry: Call) -> files.FileWish:
    return files.FileWish(
        guid=_given(entry.optional_guid("GUID")),
        data=entry.data("Data"),
        temporary_guid=_given(entry.optional_guid("TemporaryFileGUID")),
        file_name=entry.text("FileName"),
        note=entry.text("Note"),
        tags=tags_named(entry, "GUID"),
        source=entry.choice("Source", file_queries.Source),
        retired=entry.flag("Retired"),
    )


def _contact(entry: Call) -> commands.ContactWish:
    guid = entry.guid("GUID")
    if not guid.int:
        raise Malformed("guid_missing.contact", field="Contacts")
    tags = tuple(commands.TagWish(tag.guid("GUID"), tag.flag("Retired") or False) for tag in entry.listed("Tags"))
    return commands.ContactWish(guid, tags, retired=entry.flag("Retired") or False)


def _given(guid: UUID | None) -> UUID | None:
    """A GUID, unless it is the one of all zeros that some clients send for none."""
    return guid if guid is not None and guid.int else None
