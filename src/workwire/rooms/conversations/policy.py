"""Who may say what at a work item they see."""

from __future__ import annotations

from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.rooms.conversations.models import CommunicationType
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
