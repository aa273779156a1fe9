"""Who may say what at a work item they see."""

from __future__ import annotations

from workwire.access import features, run_time_settings
from workwire.kernel.actor import Actor, UserType
from workwire.rooms.conversations.models import CommunicationType
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work.models import WorkItem
from workwire.rooms.work.policy import in_self_service as in_self_service


def may_add(actor: Actor, kind: CommunicationType) -> bool:
    """Whether the actor may add a communication of this kind: users of self service comments, who works all others."""
    if in_self_service(actor):
        return kind == CommunicationType.SELF_SERVICE_COMMENT
    return actor.has(features.WORK_ITEMS) and kind != CommunicationType.SELF_SERVICE_COMMENT


def sees_blind_copies(actor: Actor) -> bool:
    """Whether the actor is shown who got a mail unknown to its other recipients: who works, nobody in self service."""
    return not in_self_service(actor)


def natural_kind(actor: Actor) -> CommunicationType:
    """What an actor writes who names no kind: a comment in self service, a note elsewhere."""
    note, comment = CommunicationType.AUDIT_NOTE, CommunicationType.SELF_SERVICE_COMMENT
    return comment if in_self_service(actor) else note


def is_asked_to_write(actor: Actor, item: WorkItem) -> bool:
    """Whether the actor, a person who resolves a ticket, must have written something at it; a setting says so."""
    is_person = actor.user_type == UserType.OPERATIONAL and actor.credential_id is None
    asks = run_time_settings.value_of("ticket_resolution_asks_for") == "communication"
    return item.kind == ProcessType.TICKET and is_person and asks
