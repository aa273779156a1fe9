"""Queries of files. The caller has checked the rights on their work item."""

from __future__ import annotations

from typing import Any, BinaryIO
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from workwire.access import features
from workwire.access.policy import in_self_service, require_one_of
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.files.models import FileTag, ItemFile, ItemFileTag, StoredFile, TemporaryFile
from workwire.rooms.files.models import Source as Source  # for doors
from workwire.rooms.files.storage import storage


def tags(*, by: Actor) -> QuerySet[FileTag]:
    """All file tags by name, for who works or configures; raises Forbidden for others, as some tags are hidden from them."""
    require_one_of(by, features.WORK_ITEMS, features.TAGS)
    return FileTag.objects.order_by("name")


def tag(guid: UUID, *, by: Actor) -> FileTag:
    """One file tag; raises NotFound, and Forbidden like `tags`."""
    found = tags(by=by).filter(guid=guid).first()
    if found is None:
        raise not_found("file_tag")
    return found


def files_of(item_pk: int) -> QuerySet[ItemFile]:
    """The files of a work item that were not removed, newest first, with their tags."""
    return item_files().filter(work_item=item_pk).order_by("-pk")


def shown(found: QuerySet[ItemFile], *, by: Actor) -> QuerySet[ItemFile]:
    """The files that an actor is shown: in self service without files of a hidden tag."""
    return found.exclude(tags__tag__is_hidden=True) if in_self_service(by) else found


def item_files() -> QuerySet[ItemFile]:
    """The files of all work items that were not removed, with their tags, without a check of rights."""
    held = ItemFileTag.objects.select_related("tag", "added_by")
    found = ItemFile.objects.filter(retired=False).select_related("stored", "added_by", "updated_by", "work_item")
    return found.prefetch_related(Prefetch("tags", queryset=held))


def tag_keys_held(items: QuerySet[Any, Any], keys: frozenset[str]) -> frozenset[str]:
    """Those of the given keys of tags that a file of the given work items has, without a check of rights."""
    held = ItemFileTag.objects.filter(item_file__retired=False, item_file__work_item__in=items, tag__name_key__in=keys)
    return frozenset(held.values_list("tag__name_key", flat=True))


def upload(guid: UUID, *, by: Actor) -> TemporaryFile:
    """One upload of the actor's own that nothing used yet; raises NotFound."""
    found = TemporaryFile.objects.select_related("stored").filter(guid=guid, uploaded_by=by.user_id or 0).first()
    if found is None:
        raise not_found("temporary_file")
    return found


def contents(stored: StoredFile) -> BinaryIO:
    """The content of a file, to be closed by the caller; raises NotFound where the storage has lost it."""
    try:
        return storage().open(stored.key)
    except FileNotFoundError as error:
        raise not_found("file_content") from error
