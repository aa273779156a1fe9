"""What is known of those who may get a work item, looked up as `who_gets_it` asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access import queries as access
from workwire.access.models import User
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.composed_queries import ComposedQuery
from workwire.outbox import ledger
from workwire.outbox.models import Event
from workwire.rooms.work.models import Queue, ResolutionMethod, WorkItem
from workwire.rooms.work.transitions import DUE
from workwire.rooms.work.who_gets_it import Candidate, Known, LookUp, Sought

MOST_EARLIER, MOST_EVENTS, MOST_DOERS = 10, 50, 5
_ENDS = (ResolutionMethod.DONE_SUCCESSFULLY, ResolutionMethod.REWORK)


def actor_as_candidate(by: Actor) -> Known:
    """What is known without looking: the person who makes the change, which it could not make of what it does not see."""
    if by.user_id is None or by.user_type == UserType.ROBOT:
        return Known()
    works = by.has(features.WORK_ITEMS) and by.user_type != UserType.SELF_SERVICE
    return Known({by.user_id: Candidate(by.user_id, may_work=works)})


def look_up(wanted: LookUp, item: WorkItem, known: Known) -> Known:
    """What was known, and what was asked for: one statement."""
    if wanted.sought == Sought.ACCOUNTS:
        found = {one.id: one for one in _candidates(_ACCOUNTS, wanted.ids, item)}
        return replace(known, accounts={**known.accounts, **found})
    if wanted.sought == Sought.HOLDERS:
        held = _candidates(_HOLDERS, wanted.ids, item)
        return replace(known, holders={**known.holders, wanted.ids[0]: tuple(held)})
    if wanted.sought == Sought.EARLIER:
        return replace(known, earlier=earlier_assignees(item))
    if wanted.sought == Sought.DOERS:
        return replace(known, doers=_who_did_the_same(item))
    named = dict(_QUEUES.rows(SYSTEM, ids=list(wanted.ids)))
    return replace(known, queues={**known.queues, **{pk: named.get(pk) for pk in wanted.ids}})


def earlier_assignees(item: WorkItem) -> tuple[int, ...]:
    """Who was assigned before, newest first, as the internal changes of the ledger tell it."""
    found: dict[int, None] = {}
    for (changes,) in _ASSIGNMENTS.rows(SYSTEM, record=item.guid):
        found.update(dict.fromkeys(_assigned_in(changes or "[]", str(item.guid))))
    return tuple(found)[:MOST_EARLIER]


def _assigned_in(changes: str, guid: str) -> Iterable[int]:
    for change in orjson.loads(changes):
        if change["record"] == "WorkItem" and change["key"] == guid:
            for side in ("new", "old"):
                account = (change.get(side) or {}).get("assignee_id")
                if account is not None:
                    yield account


def _who_did_the_same(item: WorkItem) -> tuple[int, ...]:
    """Who completed the same action of the case before, newest first, then who had it last when rework closed it."""
    same = WorkItem.objects.filter(parent=item.parent_id, definition=item.definition_id, resolution_method__in=_ENDS)
    newest = list(same.exclude(pk=item.pk).order_by("-closed_on", "-pk")[:MOST_DOERS])
    done = [one for one in newest if one.resolution_method == ResolutionMethod.DONE_SUCCESSFULLY]
    closed = [one for one in newest if one.resolution_method == ResolutionMethod.REWORK]
    doers = dict.fromkeys(one.resolved_by_id for one in done if one.resolved_by_id is not None)
    return (*doers, *(earlier_assignees(closed[0])[:1] if closed else ()))


def _assignments(_by: Actor, *, record: UUID) -> QuerySet[Event, Any]:
    """The internal changes of the last events of a record that changed who was assigned."""
    events = ledger.events().filter(record_guid=record, changes__contains='"assignee_id"')
    return events.order_by("-pk").values_list("changes")[:MOST_EVENTS]


def _accounts(_by: Actor, *, ids: list[int], **above: int) -> QuerySet[User, Any]:
    """Accounts whose inboxes do not matter, so that nobody's is counted for each item that it gets."""
    return _as_candidates(User.objects.filter(pk__in=ids), Value(0), above)


def _holders(_by: Actor, *, ids: list[int], **above: int) -> QuerySet[User, Any]:
    """The holders of job positions, each with how many items are in the inbox."""
    inbox = WorkItem.objects.filter(assignee=OuterRef("pk"), status__in=DUE).order_by().values("assignee")
    count = Coalesce(Subquery(inbox.annotate(number=Count("pk")).values("number")), 0)
    return _as_candidates(User.objects.filter(job_positions__in=ids, job_positions__retired=False), count, above)


def _as_candidates(
    accounts: QuerySet[User], inbox: Combinable | Value, above: Mapping[str, int]
) -> QuerySet[User, Any]:
    """Accounts with what decides whether they may have an item under the objects `above`."""
    who = OuterRef("pk")
    found = accounts.annotate(
        works=access.holds(who, features.WORK_ITEMS),
        sees=Exists(access.permissions_on(who, above)) | Q(access.holds(who, *features.SEES_ALL)),
        inbox=inbox,
    ).order_by("pk")
    return found.values_list(
        "pk", "full_name", "username", "user_type", "is_active", "suspended_at", "works", "sees", "inbox"
    )


def _queues(_by: Actor, *, ids: list[int]) -> QuerySet[Queue, Any]:
    return Queue.objects.filter(pk__in=ids, retired=False).values_list("pk", "name")


_ACCOUNTS, _HOLDERS = ComposedQuery(_accounts), ComposedQuery(_holders)
_ASSIGNMENTS, _QUEUES = ComposedQuery(_assignments), ComposedQuery(_queues)


def _candidates(query: ComposedQuery[User], ids: Sequence[int], item: WorkItem) -> Iterable[Candidate]:
    above = {
        "company": item.customer_id,
        "parent": item.customer.parent_id,
        "contract": item.contract_id,
        "service": item.service_id,
        "process": item.process_id,
    }
    there = {level: pk for level, pk in above.items() if pk is not None}
    return [
        Candidate(
            pk,
            name or username,
            is_robot=kind == UserType.ROBOT,
            is_active=active,
            is_suspended=suspended is not None,
            may_work=works and kind != UserType.SELF_SERVICE,
            sees=sees,
            inbox=inbox,
        )
        for pk, name, username, kind, active, suspended, works, sees, inbox in query.converted(
            SYSTEM, ids=list(ids), **there
        )
    ]
