"""How to look at the files of work items, always as an actor; those of a family are seen at each of its items."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.files import queries as files
from workwire.rooms.files.models import ItemFile
from workwire.rooms.work import family_sight, relations
from workwire.rooms.work.models import WorkItem


def files_of(item: WorkItem, *, by: Actor) -> QuerySet[ItemFile]:
    """The files of a work item and its family, newest first; in self service its own, without files of a hidden tag."""
    found = files.item_files().filter(work_item__in=family_sight.keepers(item, by=by)).order_by("-pk")
    return files.shown(found, by=by)


def visible_to(actor: Actor) -> QuerySet[ItemFile]:
    """The files of work items that an actor may see; in self service without files of a hidden tag."""
    found = files.item_files().filter(relations.belongs_in_sight("work_item_id", actor))
    return files.shown(found, by=actor)


def file(guid: UUID, *, by: Actor) -> ItemFile:
    """One file of a work item that the actor may see; raises NotFound."""
    first = visible_to(by).filter(guid=guid).first()
    if first is None:
        raise not_found("file")
    return first
