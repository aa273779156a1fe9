"""Files of work items: wishes of a command, fulfilled inside it.

The caller, a command of the work room, has checked the rights, holds the lock on the work item and records the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Model, QuerySet

from workwire.kernel import clock, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Value
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.files.commands.uploading import KEPT, checked_name, store
from workwire.rooms.files.models import FileTag, ItemFile, ItemFileTag, Source, StoredFile, TemporaryFile

MOST_FILES = 100
LONGEST_NOTE = 16 * 1024


@dataclass(frozen=True, slots=True)
class TagWish:
    """A file tag to give, or to take away."""

    guid: UUID
    retired: bool = False


@dataclass(frozen=True, slots=True)
class FileWish:
    """A new file (with its bytes, or a temporary file), or a change of one that is there (`guid`); `retired` removes it."""

    guid: UUID | None = None
    data: bytes | None = None
    temporary_guid: UUID | None = None
    file_name: str | None = None
    note: str | None = None
    tags: tuple[TagWish, ...] = ()
    source: Source | None = None
    retired: bool | None = None


def keep(item_pk: int, wishes: Sequence[FileWish], *, by: Actor, at: datetime) -> list[RowChange]:
    """Fulfil wishes for the files of a locked work item; returns what changed. Raises Invalid (field files).

    A transaction that is rolled back afterwards leaves contents behind, which `sweep` removes.
    """
    if len(wishes) > MOST_FILES:
        raise _invalid("too_many_files", most=MOST_FILES)
    tags = _known_tags(wishes)
    changes: list[RowChange] = []
    for wish in wishes:
        if wish.guid is not None:
            changes += _change(item_pk, wish, tags, by=by, at=at)
        elif not wish.retired:
            changes += _add(item_pk, wish, tags, Source.ATTACHED, by=by, at=at)[1]
    return changes


def keep_attachment(item_pk: int, wish: FileWish, *, by: Actor, at: datetime) -> tuple[ItemFile, list[RowChange]]:
    """Keep a file of a mail at its work item; returns it and what changed. Raises Invalid (field files or below it)."""
    return _add(item_pk, wish, _known_tags([wish]), Source.EMAIL, by=by, at=at)


def copy(origins: QuerySet[Model, int], to_pk: int, *, by: Actor, at: datetime) -> list[RowChange]:
    """Give a new work item copies of the files of others, named by a query of their ids, with notes and tags; returns what
    changed."""
    found = ItemFile.objects.filter(work_item__in=origins, retired=False).prefetch_related("tags").order_by("pk")
    return copy_rows(list(found), to_pk, by=by, at=at)[1]


def copy_rows(
    originals: Sequence[ItemFile], to_pk: int, *, by: Actor, at: datetime
) -> tuple[list[ItemFile], list[RowChange]]:
    """Give a work item copies of some files, with notes and tags; returns them in the same order, and what changed."""
    made = ItemFile.objects.bulk_create(
        ItemFile(
            work_item_id=to_pk,
            stored_id=file.stored_id,
            file_name=file.file_name,
            note=file.note,
            source=file.source,
            added_by_id=by.user_id,
            updated_by_id=by.user_id,
            created_at=at,
            updated_at=at,
        )
        for file in originals
    )
    tags = ItemFileTag.objects.bulk_create(
        ItemFileTag(item_file=copied, tag_id=row.tag_id, added_by_id=by.user_id, added_at=at)
        for original, copied in zip(originals, made, strict=True)
        for row in original.tags.all()
    )
    return made, added(*made, *tags)


def _add(
    item_pk: int, wish: FileWish, tags: dict[UUID, FileTag], source: Source, *, by: Actor, at: datetime
) -> tuple[ItemFile, list[RowChange]]:
    if wish.source == Source.EMAIL:
        raise _invalid("email_attachment_must_have_guid")
    if wish.data is None and wish.temporary_guid is None:
        raise _invalid("file_data_required", field="files.upload")
    if wish.data is not None and wish.temporary_guid is not None:
        raise _invalid("file_data_or_temporary")
    if wish.data is not None and not wish.file_name:
        raise _invalid("file_name_required", field="files.file_name")
    stored, name, changes = _content(wish, by)
    made = ItemFile.objects.create(
        work_item_id=item_pk,
        stored=stored,
        file_name=name,
        note=text.prose(wish.note or "", field="files.note", longest=LONGEST_NOTE),
        source=source,
        added_by_id=by.user_id,
        updated_by_id=by.user_id,
        created_at=at,
        updated_at=at,
    )
    changes += added(made)
    return made, changes + _tag(made, wish.tags, tags, {}, by=by, at=at)


def _content(wish: FileWish, by: Actor) -> tuple[StoredFile, str, list[RowChange]]:
    if wish.data is not None:
        name = checked_name(wish.file_name or "", field="files.file_name")
        stored = store([wish.data])
        stored.save(force_insert=True)
        return stored, name, added(stored)
    mine = TemporaryFile.objects.filter(guid__in=[wish.temporary_guid], uploaded_by=by.user_id)
    found = mine.select_for_update(of=("self",)).select_related("stored").first()
    if found is None or found.created_at + KEPT < clock.now():
        raise _invalid("temporary_file_not_found", field="files.upload")
    stored, name = (
        found.stored,
        checked_name(wish.file_name, field="files.file_name") if wish.file_name else found.file_name,
    )
    changes = removed(found)
    found.delete()
    return stored, name, changes


def _change(item_pk: int, wish: FileWish, tags: dict[UUID, FileTag], *, by: Actor, at: datetime) -> list[RowChange]:
    found = ItemFile.objects.filter(guid__in=[wish.guid], work_item=item_pk, retired=False).first()
    if found is None:
        raise _invalid("item_file_not_found")
    if wish.data is not None:
        raise _invalid("file_data_update_not_allowed")
    if wish.temporary_guid is not None:
        raise _invalid("file_replace_not_allowed")
    if wish.file_name and found.file_name not in (wish.file_name, checked_name(wish.file_name)):
        raise _invalid("file_name_changed", field="files.file_name")
    if wish.retired and found.source == Source.EMAIL:
        raise _invalid("email_attachment_cannot_be_retired")
    note = found.note if wish.note is None else text.prose(wish.note, field="files.note", longest=LONGEST_NOTE)
    before = columns(found)
    held = {row.tag_id: row for row in ItemFileTag.objects.filter(item_file=found)} if wish.tags else {}
    changes = _tag(found, wish.tags, tags, held, by=by, at=at)
    if changes or note != found.note or wish.retired:
        found.note, found.retired = note, bool(wish.retired)
        found.updated_at, found.updated_by_id = at, by.user_id
        found.save()
    return changes + altered(found, before)


def _tag(
    file: ItemFile,
    wishes: Iterable[TagWish],
    tags: dict[UUID, FileTag],
    held: dict[int, ItemFileTag],
    *,
    by: Actor,
    at: datetime,
) -> list[RowChange]:
    """Give and take tags of a file that has those `held`."""
    changes: list[RowChange] = []
    for wish in wishes:
        tag = tags[wish.guid]
        present = held.pop(tag.pk, None) if wish.retired else held.get(tag.pk)
        if wish.retired and present is not None:
            changes += removed(present)
            present.delete()
        if wish.retired or present is not None:
            continue
        if tag.retired:
            raise _invalid("file_tag_not_found.retired", field="files.tags", tag=tag.name)
        held[tag.pk] = ItemFileTag.objects.create(item_file=file, tag=tag, added_by_id=by.user_id, added_at=at)
        changes += added(held[tag.pk])
    return changes


def _known_tags(wishes: Sequence[FileWish]) -> dict[UUID, FileTag]:
    wanted = {tag.guid for wish in wishes for tag in wish.tags}
    known = {tag.guid: tag for tag in FileTag.objects.filter(guid__in=wanted)} if wanted else {}
    if wanted - set(known):
        raise _invalid("file_tag_not_found", field="files.tags")
    return known


def _invalid(code: str, *, field: str = "files", **parameters: Value) -> Invalid:
    return Invalid(code, field=field, **parameters)
