"""Who may do what with defects of work items they see. Who works adds and resolves them; a setting says who changes them."""

from __future__ import annotations

from workwire.access import run_time_settings
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden
from workwire.rooms.defects.models import Defect
from workwire.rooms.work.policy import in_self_service as in_self_service

BY_CREATOR = "creator"


def may_change(actor: Actor, defect: Defect) -> bool:
    """Whether an actor who may work may change or remove a defect, beyond resolving it."""
    restricted = run_time_settings.value_of("defects_changed_by") == BY_CREATOR
    return not restricted or (actor.user_id is not None and defect.added_by_id == actor.user_id)


def require_may_change(actor: Actor, defect: Defect) -> None:
    """Raise Forbidden unless the actor may change or remove the defect."""
    if not may_change(actor, defect):
        raise Forbidden("defect_of_other")
