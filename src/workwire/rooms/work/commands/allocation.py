"""To whom work goes: who may be given it by hand, and who gets it by the rules of `who_gets_it` as it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workwire.access import features
from workwire.access.models import User
from workwire.access.sessions import actor_for
from workwire.kernel import clock
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Statement, statement
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition, ProcessType, ProcessVersion
from workwire.rooms.work import candidates, policy
from workwire.rooms.work.models import Status, StatusReason, WorkItem
from workwire.rooms.work.who_gets_it import (
    SAID_OF,
    Candidate,
    Facts,
    Known,
    LookUp,
    Outcome,
    Part,
    Situation,
    evaluate,
    situation_of,
)

_CARD = ("status", "wait_type", "wait_until", "category_id")  # a change of one of them lets the rules decide anew
_HAD = ("assignee_id", "owner_id", "queue_id")


@dataclass(frozen=True, slots=True)
class Cause:
    """How an item came to be as it is: what it was `before` (nothing for a new one), who did it and when, whether a person was
    named by hand, or took it by editing it, and whether a new action of a flow was there before."""

    before: Mapping[str, Any]
    by: Actor
    at: datetime
    by_hand: bool = False
    by_editing: bool = False
    is_repeated: bool = False


def allocate(item: WorkItem, cause: Cause) -> None:
    """Let the rules decide who gets an item that is new or whose status card changed, and keep what they said; note what was
    done by hand where they have nothing to decide."""
    before = cause.before
    if not before or _card(item, before):
        _decide(item, cause)
    elif any(getattr(item, name) != before[name] for name in _HAD):
        _keep(item, cause.at, (statement(SAID_OF[situation(item)]), statement("who_changed_by_hand")))


def suppose(item: WorkItem, cause: Cause) -> None:
    """Let the rules say who would get a new item that is never saved; nobody is kept from retiring meanwhile."""
    _decide(item, cause, holds=False)


def situation(item: WorkItem) -> Situation:
    """The situation of an item as it stands."""
    return _situation(item, item.status, item.status_reason, item.attention, item.news_since)


def locked_account(user: User) -> User:
    """An account as it is now, which does not retire until the transaction ends; lock it before the items it is given."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def count_robot(item: WorkItem, *, is_robot: bool) -> None:
    """Count that a robot is given the item."""
    if is_robot:
        item.robot_assignments += 1


def check_assignee(item: WorkItem, user: User) -> None:
    """Raise Invalid unless the user is one this item can be given to."""
    if not user.is_active:
        raise Invalid("assignee_retired", field="user", user=user.username)
    if user.suspended_at is not None:
        raise Invalid("robot_suspended", field="user", user=user.username)
    if user.user_type == UserType.SELF_SERVICE:
        raise Invalid("assignee_wrong_type", field="user")
    if user.user_type == UserType.ROBOT and (barred := policy.bar_to_robots(item)) is not None:
        raise barred
    actor = actor_for(user)
    if not actor.has(features.WORK_ITEMS):
        raise Invalid("assignee_may_not_work", field="user", user=user.username)
    if not offering.processes_visible_to(actor).filter(pk=item.process_id).exists():
        raise Invalid("assignee_sees_not", field="user", user=user.username, item=item.reference)


def _card(item: WorkItem, before: Mapping[str, Any]) -> bool:
    if any(getattr(item, name) != before[name] for name in _CARD):
        return True
    return _situation_before(item, before) != situation(item)


def _situation_before(item: WorkItem, before: Mapping[str, Any]) -> Situation:
    return _situation(item, before["status"], before["status_reason"], before["attention"], before["news_since"])


def _situation(item: WorkItem, status: int, reason: int, attention: object, news: object) -> Situation:
    troubled, has_news = attention is not None, news is not None
    return situation_of(
        ProcessType(item.kind), Status(status), StatusReason(reason), needs_attention=troubled, has_news=has_news
    )


def _decide(item: WorkItem, cause: Cause, *, holds: bool = True) -> None:
    facts = _facts(item, cause)
    known = replace(candidates.actor_as_candidate(cause.by), queues=_queue_at_hand(item))
    while True:
        found = evaluate(facts, known)
        if isinstance(found, LookUp):
            known = candidates.look_up(found, item, known)
        elif holds and found.chosen is not None and facts.fresh and not _is_held(found.chosen, cause.by):
            known = _without(found.chosen, known)
        else:
            break
    _apply(item, found)
    _keep(item, cause.at, found.tried)


def _wished(item: WorkItem) -> ActionDefinition | ProcessVersion:
    """What allocates an item: its action, or its process version."""
    return item.definition if item.definition is not None else item.process_version


def _queue_at_hand(item: WorkItem) -> dict[int, str | None]:
    """The queue that the item is allocated to, where it was read with the item."""
    wished = _wished(item)
    if wished.queue_id is None or not wished._meta.get_field("queue").is_cached(wished) or wished.queue is None:
        return {}
    return {wished.queue_id: None if wished.queue.retired else wished.queue.name}


def _is_held(chosen: Candidate, by: Actor) -> bool:
    """Whether who gets a new item is active still, and does not retire until the transaction ends."""
    held = User.objects.select_for_update(no_key=True).filter(pk=chosen.id, is_active=True)
    return chosen.id == by.user_id or held.values_list("pk", flat=True).first() is not None


def _without(gone: Candidate, known: Known) -> Known:
    """What is known once an account has retired."""
    retired = replace(gone, is_active=False)
    holders = {
        position: [retired if one.id == gone.id else one for one in held] for position, held in known.holders.items()
    }
    return replace(known, accounts={**known.accounts, gone.id: retired}, holders=holders)


def _facts(item: WorkItem, cause: Cause) -> Facts:
    before, by = cause.before, cause.by
    assignee, owner = _present(item, cause, "assignee_id"), _present(item, cause, "owner_id")
    wished = _wished(item)
    is_action = item.kind == ProcessType.ACTION
    fresh = not before or before["status"] == Status.DRAFT
    named_now = [Part.ASSIGNEE] if before and assignee != before["assignee_id"] else []
    named_now += [Part.OWNER] if before and owner != before["owner_id"] else []
    named_now += [Part.ASSIGNEE, Part.OWNER] if cause.by_hand and assignee is None and owner is None else []
    if before and owner is None and _is_acknowledged(item, before):
        owner = before["assignee_id"]
    return Facts(
        kind=ProcessType(item.kind),
        status=Status(item.status),
        reason=StatusReason(item.status_reason),
        needs_attention=item.attention is not None,
        has_news=item.news_since is not None,
        assignee=assignee,
        owner=owner,
        queue=item.queue_id,
        fresh=fresh,
        by_hand=frozenset(named_now),
        by_editing=cause.by_editing,
        category_changed=bool(before) and not fresh and item.category_id != before["category_id"],
        wait_type_changed=bool(before) and item.wait_type != before["wait_type"],
        from_flow=cause.is_repeated and not item.ad_hoc,
        robot_rejected=item.robot_rejected,
        robot_assignments=item.robot_assignments,
        keep_with=item.keep_with_id,
        changed_by=by.user_id,
        changed_last_by=None if is_action and fresh else by.user_id or item.updated_by_id,
        started_by=item.started_by_id,
        allocated_queue=wished.queue_id,
        person=wished.person_id,
        secondary_person=wished.secondary_person_id,
        job_position=wished.job_position_id,
        secondary_job_position=wished.secondary_job_position_id,
    )


def _present(item: WorkItem, cause: Cause, column: str) -> int | None:
    """Who has an item: named by hand, by editing, or from before; what a transition says is for the rules to decide."""
    found = getattr(item, column) if cause.by_hand or cause.by_editing or not cause.before else cause.before[column]
    return None if found is None else int(found)


def _is_acknowledged(item: WorkItem, before: Mapping[str, Any]) -> bool:
    """Whether a case with news runs on, so that its assignee is its owner again."""
    return _situation_before(item, before) == Situation.NEWS and situation(item) == Situation.RUNNING_CASE


def _apply(item: WorkItem, found: Outcome) -> None:
    if found.chosen is not None and found.assignee == found.chosen.id and found.assignee != item.assignee_id:
        count_robot(item, is_robot=found.chosen.is_robot)
    item.assignee_id, item.owner_id, item.queue_id = found.assignee, found.owner, found.queue
    if found.queue in _queue_at_hand(item):
        item.queue = _wished(item).queue


def _keep(item: WorkItem, at: datetime, tried: tuple[Statement, ...]) -> None:
    item.assignment = {"at": clock.rfc3339(at), "tried": [said.as_json() for said in tried]}
