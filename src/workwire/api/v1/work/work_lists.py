"""The lists you work from, with totals by due date, and the work items you opened last."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema

from workwire.api.auth import actor
from workwire.api.paging import PageQuery
from workwire.api.v1.shapes import Guid, Listing, Moment, answers, rfc3339, whole
from workwire.api.v1.work.shapes import ItemOut, item_listing
from workwire.kernel import clock
from workwire.rooms.following import recent_items
from workwire.rooms.work import memberships
from workwire.rooms.work.due_states import DueState
from workwire.rooms.work.memberships import Membership

router = Router()
DueName = Literal["overdue", "today", "later", "not_set"]


class WorkListOut(Schema):
    """A list you work from, and how many of it stand in each way against their due dates. `today` is the day in the time zone
    of the contract; `not_set` are drafts, what is resolved, what has no due date, and what waits together with it."""

    name: Membership
    overdue: int
    today: int
    later: int
    not_set: int


class WorkListFilter(Schema):
    """Which part of a list is wanted, and in which order; items without a due date come last."""

    due: DueName | None = None
    sort: Literal["due", "-due", "-created", "-updated"] = "due"


class RecentOut(Schema):
    """A work item you opened, and when you did so last."""

    work_item: Guid
    reference: str
    title: str
    opened_at: Moment


@router.get("/work-lists", response=answers(Listing[WorkListOut]), operation_id="list_work_lists")
def list_work_lists(request: HttpRequest) -> dict[str, Any]:
    """List the lists you work from, with totals: `inbox` (assigned to you), `owned` (you own it while it waits, runs or is
    resolved), `team-inbox` and `team-owned` (the same of you, your manager, your peers and, if you give out work, all who
    report to you; the inbox with all that lies in your queues)."""
    by, now = actor(request), clock.now()
    found = {one: memberships.totals(memberships.members(one, by=by), now) for one in Membership}
    return whole(
        [{"name": name} | {_named(state): totals[state] for state in DueState} for name, totals in found.items()]
    )


@router.get("/work-lists/{name}", response=answers(Listing[ItemOut]), operation_id="get_work_list")
def get_work_list(
    request: HttpRequest, name: Membership, paging: Query[PageQuery], wanted: Query[WorkListFilter]
) -> dict[str, Any]:
    """List the work items of one of the lists you work from, the soonest due first unless another order is asked for."""
    by = actor(request)
    state = None if wanted.due is None else DueState[wanted.due.upper()]
    items = memberships.in_due_state(memberships.members(name, by=by), state, clock.now())
    return item_listing(memberships.ordered_page(items, wanted.sort, by=by, **paging.arguments()), by)


@router.get("/recent-work-items", response=answers(Listing[RecentOut]), operation_id="list_recent_work_items")
def list_recent(request: HttpRequest) -> dict[str, Any]:
    """List the last 20 work items whose pages you opened, newest first."""
    return whole(
        [
            {
                "work_item": str(item.guid),
                "reference": item.reference or "",
                "title": item.title,
                "opened_at": rfc3339(opened),
            }
            for item, opened in recent_items.recent(by=actor(request))
        ]
    )


def _named(state: DueState) -> str:
    return state.name.lower()
