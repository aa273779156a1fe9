"""The four lists an account works from, and which work items belong to them: work inbox, owned work, team inbox, team owned
work. Whatever belongs to a list is shown and counted only where the actor may see it.

Which part an account has in an item follows from its status (`who_gets_it.TABLE`): drafts, what is to do and what is in
progress have an assignee and lie in a queue; running cases, what waits and what is resolved have an owner; what is closed
has nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from django.db.models import DateTimeField, Q, QuerySet
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access.policy import require
from workwire.access.teams import team_of
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.counting import counts_of
from workwire.kernel.pages import Order, Page, sorted_page
from workwire.rooms.work import due_states
from workwire.rooms.work.due_states import DueState
from workwire.rooms.work.models import Queue, Status, WorkItem
from workwire.rooms.work.queries import items_visible_to, visible

MOST_COUNTED = 1000
_ASSIGNED = Q(status__lt=Status.WAITING)  # ranges, so that no index of statuses looks better than that of who has it
_OWNED = Q(status__gt=Status.DRAFT, status__lt=Status.CLOSED)
ORDERS: Mapping[str, Order] = {
    "due": Order("due_at", nullable=True),
    "-due": Order("due_at", falling=True, nullable=True),
    "-created": Order("made_at", falling=True),
    "-updated": Order("changed_at", falling=True),
}  # by the names doors give them
_COLUMNS = {"due_at": "due_date", "made_at": "created_at", "changed_at": "updated_at"}


class Membership(StrEnum):
    """The lists, by the names doors give them."""

    INBOX = "inbox"
    OWNED = "owned"
    TEAM_INBOX = "team-inbox"
    TEAM_OWNED = "team-owned"


def members(wanted: Membership, *, by: Actor) -> QuerySet[WorkItem]:
    """What belongs to a list of the actor and is seen by it, for who works; raises Forbidden.

    * *Work inbox*: assigned to the actor and not at rest.
    * *Owned work*: the actor owns it: it waits, is resolved, or is a running case.
    * *Team inbox*: assigned, as in an inbox, to somebody of the team (`teams.team_of`), or lying in a queue that the actor is
      a member or manager of.
    * *Team owned work*: somebody of the team owns it.
    """
    require(by, features.WORK_ITEMS)
    of_team = wanted in (Membership.TEAM_INBOX, Membership.TEAM_OWNED)
    return visible(WorkItem.objects.filter(_belongs(wanted, by, team_of(by) if of_team else ())), by)


def counts(*, by: Actor) -> dict[Membership, int]:
    """How many items belong to each list of the actor, each counted up to `MOST_COUNTED` + 1; raises Forbidden."""
    require(by, features.WORK_ITEMS)
    team = team_of(by)
    lists = [visible(WorkItem.objects.filter(_belongs(one, by, team)), by) for one in Membership]
    found = counts_of(lists, most=MOST_COUNTED + 1)
    return dict(zip(Membership, found, strict=True))


def in_due_state(items: QuerySet[WorkItem], state: DueState | None, now: datetime) -> QuerySet[WorkItem]:
    """Those of some items that stand in one way against their due dates; all of them for None."""
    return items if state is None else due_states.with_due_state(items, now).filter(due_state=state)


def totals(items: QuerySet[WorkItem], now: datetime | None = None) -> dict[DueState, int]:
    """How many of some items stand in each way against their due dates."""
    return due_states.totals(due_states.with_due_state(items, now or clock.now()))


def ordered_page(
    items: QuerySet[WorkItem], order: str, *, by: Actor, limit: int = 50, cursor: str | None = None
) -> Page[WorkItem]:
    """A page of some items that the actor sees, in one of `ORDERS`, with all that lists show of them; raises Invalid for a
    cursor of another order.

    The members are found first and sorted then: a walk along the index of due dates, in the hope to meet one soon, would read
    what was finished long ago.
    """
    wanted = ORDERS[order]
    column = _COLUMNS[wanted.column]
    sorting = Coalesce(column, column, output_field=DateTimeField())  # an expression, which no index has
    found = sorted_page(items.annotate(**{wanted.column: sorting}).only("pk"), wanted, limit=limit, cursor=cursor)
    return replace(found, rows=in_their_order([row.pk for row in found.rows], by=by))


def in_their_order(keys: Sequence[int], *, by: Actor) -> list[WorkItem]:
    """The items with some keys in the order of these, as far as the actor sees them, with all that lists show of them."""
    shown = {item.pk: item for item in items_visible_to(by).filter(pk__in=keys)} if keys else {}
    return [shown[key] for key in keys if key in shown]


def _belongs(wanted: Membership, by: Actor, team: Collection[int]) -> Q:
    own = by.user_id or 0
    if wanted == Membership.INBOX:
        return _ASSIGNED & Q(assignee=own)
    if wanted == Membership.OWNED:
        return _OWNED & Q(owner=own)
    if wanted == Membership.TEAM_OWNED:
        return _OWNED & Q(owner__in=team)
    queues = Queue.objects.filter(Q(pk__in=_queues("members", own)) | Q(pk__in=_queues("managers", own))).values("pk")
    here = WorkItem.objects.filter(_ASSIGNED).order_by().values("pk")
    either = here.filter(assignee__in=team).union(here.filter(queue__in=queues))  # each along its own index
    return Q(pk__in=either)


def _queues(relation: str, user_id: int) -> QuerySet[Queue, int]:
    return Queue.objects.filter(**{relation: user_id}).values_list("pk", flat=True)
