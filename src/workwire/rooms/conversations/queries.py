"""How to look at communications: whoever sees a work item sees what is said about it, in self service all but notes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.conversations import policy
from workwire.rooms.conversations.models import Communication as Communication  # for type annotations of callers
from workwire.rooms.conversations.models import CommunicationType as CommunicationType  # for doors
from workwire.rooms.conversations.models import Importance as Importance
from workwire.rooms.conversations.models import SendStatus
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem


def communications_of(item: WorkItem, *, by: Actor) -> QuerySet[Communication]:
    """The communications of a work item, newest first; none when the item may not be seen."""
    return _visible_to(by).filter(work_item=item.pk).order_by("-pk")


def communication(guid: UUID, *, by: Actor) -> Communication:
    """One communication; raises NotFound, also when its work item may not be seen."""
    found = _visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("communication")
    return found


def _visible_to(actor: Actor) -> QuerySet[Communication]:
    seen = work.visible(WorkItem.objects.all(), actor)
    found = Communication.objects.all()
    if policy.in_self_service(actor):
        found = found.exclude(kind=CommunicationType.AUDIT_NOTE)
    return (
        found.select_related("sender", "work_item")
        .prefetch_related("attachments__file__stored")
        .filter(work_item__in=seen)
    )


def to_send(now: datetime) -> QuerySet[Communication]:
    """Mail whose moment to be sent has come, oldest first, for the worker."""
    waiting = (SendStatus.QUEUED, SendStatus.PENDING_RETRY)
    return Communication.objects.filter(send_status__in=waiting, next_attempt_at__lte=now).order_by(
        "next_attempt_at", "pk"
    )
