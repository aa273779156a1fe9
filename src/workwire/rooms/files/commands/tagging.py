"""File tags."""

from __future__ import annotations

from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.files import events
from workwire.rooms.files.models import FileTag

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 16 * 1024


class TagChanges(TypedDict, total=False):
    """What may be changed of a file tag; what is not named stays."""

    name: str
    description: str
    is_hidden: bool
    retired: bool


@transaction.atomic
def create_tag(name: str, *, by: Actor, description: str = "", is_hidden: bool = False) -> FileTag:
    """Make a file tag; raises Conflict for a name that another one has."""
    require(by, features.TAGS)
    tag = FileTag(is_hidden=is_hidden)
    _write(tag, {"name": name, "description": description})
    _save(tag)
    _record(events.FileTagCreated, tag, by, added(tag))
    return tag


@transaction.atomic
def update_tag(tag: FileTag, *, by: Actor, version: int | None = None, **changes: Unpack[TagChanges]) -> FileTag:
    """Change a file tag; files that have it keep it. Raises Conflict for a version that has passed."""
    require(by, features.TAGS)
    found = FileTag.objects.select_for_update().get(pk=tag.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.file_tag")
    before = columns(found)
    _write(found, changes)
    if columns(found) != before:
        found.version += 1
        _save(found)
        _record(events.FileTagUpdated, found, by, altered(found, before))
    return found


def _write(tag: FileTag, changes: TagChanges) -> None:
    if "name" in changes:
        tag.name = text.name(changes["name"], longest=LONGEST_NAME)
    if "description" in changes:
        tag.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    tag.is_hidden = changes.get("is_hidden", tag.is_hidden)
    tag.retired = changes.get("retired", tag.retired)


def _save(tag: FileTag) -> None:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError as error:
        raise Conflict("file_tag_name_taken", field="name") from error


def _record(kind: type[events.FileTagBody], tag: FileTag, by: Actor, changes: list[RowChange]) -> None:
    body = kind(GUID=str(tag.guid), Name=tag.name, Retired=tag.retired)
    record(body, about=Subject(ObjectType.FILE_TAG, tag.guid), by=by, changes=changes)
