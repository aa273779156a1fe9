"""How to look at communications: who sees a work item sees what is said about it, and about tickets that went into it.

In self service that is all but notes, attachments with a hidden tag, and blind copies. Doors show the attachments that come
with a row and no count of their own, and blind copies where `policy.sees_blind_copies` says so.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.conversations import policy
from workwire.rooms.conversations.models import MAIL as MAIL  # for the worker
from workwire.rooms.conversations.models import Attachment
from workwire.rooms.conversations.models import Communication as Communication  # for type annotations of callers
from workwire.rooms.conversations.models import CommunicationType as CommunicationType  # for doors
from workwire.rooms.conversations.models import Importance as Importance  # for doors
from workwire.rooms.conversations.models import SendStatus as SendStatus  # for doors
from workwire.rooms.files import queries as files
from workwire.rooms.files.models import ItemFile
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import family_sight, relations
from workwire.rooms.work.models import ResolutionMethod, WorkItem


def communications_of(item: WorkItem, *, by: Actor, related: bool | None = None) -> QuerySet[Communication]:
    """The communications of a work item and of the tickets that went into it, newest first, with `related` those of its whole
    family; none when it may not be seen. Nothing said, that is so for cases and for tickets that were merged."""
    if related is None:
        related = item.kind == ProcessType.CASE or item.resolution_method == ResolutionMethod.MERGED
    whose = family_sight.keepers if related else relations.own_and_taken_over
    return visible_to(by).filter(work_item__in=whose(item, by=by)).order_by("-pk")


def communication(guid: UUID, *, by: Actor) -> Communication:
    """One communication; raises NotFound, also when its work item may not be seen."""
    found = visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("communication")
    return found


def visible_to(actor: Actor) -> QuerySet[Communication]:
    """The communications an actor may see, with their attachments."""
    found = Communication.objects.filter(relations.belongs_in_sight("work_item_id", actor))
    if policy.in_self_service(actor):
        found = found.exclude(kind=CommunicationType.AUDIT_NOTE)
    shown = Attachment.objects.select_related("file__stored")
    if policy.in_self_service(actor):
        shown = shown.filter(file__in=files.shown(ItemFile.objects.all(), by=actor))
    return found.select_related("sender", "work_item").prefetch_related(Prefetch("attachments", queryset=shown))


def to_send() -> QuerySet[Communication]:
    """Mail that is to be sent, now or later, for the worker."""
    return Communication.objects.filter(send_status__in=(SendStatus.QUEUED, SendStatus.PENDING_RETRY)).order_by("pk")
