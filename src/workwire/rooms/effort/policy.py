"""Who may correct time: one's own everyone who works, that of others who leads them, that of robots nobody.

Who leads an account: its manager, and managers of a queue it is a member of, where they hold the feature that gives work to
others.
"""

from __future__ import annotations

from workwire.access import features
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Forbidden
from workwire.rooms.effort.models import TimeSession
from workwire.rooms.work import queries as work
from workwire.rooms.work.policy import in_self_service as in_self_service


def is_own(actor: Actor, session: TimeSession) -> bool:
    """Whether it is the time of the actor."""
    return actor.user_id is not None and session.account_id == actor.user_id


def may_correct(actor: Actor, session: TimeSession) -> bool:
    """Whether the actor may correct the time of a session."""
    if session.account.user_type == UserType.ROBOT or not actor.has(features.WORK_ITEMS):
        return False
    if is_own(actor, session):
        return True
    leads = session.account.manager_id == actor.user_id or work.manages_a_queue_of(actor, session.account)
    return actor.user_id is not None and actor.has(features.ASSIGN_WORK) and leads


def require_may_correct(actor: Actor, session: TimeSession) -> None:
    """Raise Forbidden unless the actor may correct the time of the session."""
    if session.account.user_type == UserType.ROBOT:
        raise Forbidden("time_of_robot")
    if not may_correct(actor, session):
        raise Forbidden("time_of_other")


def require_own(actor: Actor, session: TimeSession) -> None:
    """Raise Forbidden unless it is the time of the actor: nobody runs the clock of another."""
    if not is_own(actor, session):
        raise Forbidden("time_of_other.clock")
