"""How to look at files. Whoever calls has looked at the rights on their work item."""

from __future__ import annotations

from typing import BinaryIO
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from workwire.kernel.errors import not_found
from workwire.rooms.files.models import FileTag, ItemFile, ItemFileTag, StoredFile
from workwire.rooms.files.models import Source as Source  # for doors
from workwire.rooms.files.storage import storage


def tags() -> QuerySet[FileTag]:
    """All file tags by name; they are nobody's secret."""
    return FileTag.objects.order_by("name")


def tag(guid: UUID) -> FileTag:
    """One file tag; raises NotFound."""
    found = FileTag.objects.filter(guid=guid).first()
    if found is None:
        raise not_found("file_tag")
    return found


def files_of(item_pk: int) -> QuerySet[ItemFile]:
    """The files of a work item that were not removed, newest first, with their tags."""
    return item_files().filter(work_item=item_pk).order_by("-pk")


def item_files() -> QuerySet[ItemFile]:
    """The files of all work items that were not removed, with their tags, whoever sees them."""
    held = ItemFileTag.objects.select_related("tag", "added_by")
    found = ItemFile.objects.filter(retired=False).select_related("stored", "added_by", "updated_by", "work_item")
    return found.prefetch_related(Prefetch("tags", queryset=held))


def contents(stored: StoredFile) -> BinaryIO:
    """The content of a file, to be closed by the caller; raises NotFound where the storage has lost it."""
    try:
        return storage().open(stored.key)
    except FileNotFoundError as error:
        raise not_found("file_content") from error
