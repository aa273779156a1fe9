"""How to look at defects: who works on a work item it sees, sees its defects and those of its family; in self service nobody
does."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from workwire.access import features
from workwire.access.policy import require_one_of
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.defects import policy
from workwire.rooms.defects.models import Defect as Defect  # for type annotations of callers
from workwire.rooms.defects.models import DefectCategory, DefectParty
from workwire.rooms.offering import queries as offering
from workwire.rooms.work import family_sight, relations
from workwire.rooms.work.models import WorkItem

_READERS = (features.WORK_ITEMS, features.PROCESSES)


def parties_at_fault(*, by: Actor) -> QuerySet[DefectParty]:
    """All parties at fault by name, for who works or configures; raises Forbidden for others."""
    require_one_of(by, *_READERS)
    return DefectParty.objects.order_by("name_key")


def party_at_fault(guid: UUID, *, by: Actor) -> DefectParty:
    """One party at fault; raises NotFound, and Forbidden like `parties_at_fault`."""
    found = parties_at_fault(by=by).filter(guid=guid).first()
    if found is None:
        raise not_found("defect_party")
    return found


def categories(line_guid: UUID, *, by: Actor) -> QuerySet[DefectCategory]:
    """The defect categories of a service line, upper levels first, for who works or configures; raises Forbidden and
    NotFound."""
    require_one_of(by, *_READERS)
    line = offering.service_line(line_guid)
    return DefectCategory.objects.filter(service_line=line.pk).select_related("parent").order_by("level", "name_key")


def category(guid: UUID, *, by: Actor) -> DefectCategory:
    """One defect category; raises NotFound, and Forbidden like `categories`."""
    require_one_of(by, *_READERS)
    found = DefectCategory.objects.filter(guid=guid).select_related("parent", "service_line").first()
    if found is None:
        raise not_found("defect_category")
    return found


def defects_of(item: WorkItem, *, by: Actor) -> QuerySet[Defect]:
    """The defects of a work item that the actor sees and of its family, newest first; none in self service."""
    if policy.in_self_service(by):
        return _defects().none()
    return _defects().filter(work_item__in=family_sight.keepers(item, by=by)).order_by("-pk")


def defect(guid: UUID, *, by: Actor) -> Defect:
    """One defect of a work item that the actor may see; raises NotFound."""
    if policy.in_self_service(by):
        raise not_found("defect")
    found = _defects().filter(relations.belongs_in_sight("work_item_id", by), guid=guid).first()
    if found is None:
        raise not_found("defect")
    return found


def path_of(found: DefectCategory) -> list[DefectCategory]:
    """A category with those above it, from the top; reads no more where its parents were read with it."""
    return [*(path_of(found.parent) if found.parent is not None else []), found]


def _defects() -> QuerySet[Defect]:
    return Defect.objects.select_related("category__parent__parent", "party", "added_by", "resolved_by", "work_item")
