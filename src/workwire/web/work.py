"""Work items to look at: a list, and one with all about its due date."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, NotFound
from workwire.kernel.pages import page
from workwire.rooms.work import dues, queries
from workwire.rooms.work.queries import WorkItem
from workwire.web.sign_in import signed_in

VIEWS = {"mine": "Mine", "open": "Open", "all": "All"}
_STATUS = {
    queries.Status.DRAFT: "Draft",
    queries.Status.TO_DO: "To do",
    queries.Status.IN_PROGRESS: "In progress",
    queries.Status.WAITING: "Waiting",
    queries.Status.RESOLVED: "Resolved",
    queries.Status.CLOSED: "Closed",
}
_RAG = {-2: ("none", "not yet"), -1: ("late", "overdue"), 0: ("today", "today"), 1: ("later", "in time")}


@require_safe
@signed_in
def work(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list: one's own work, what is open, or everything one may see; newest first."""
    chosen = request.GET.get("view", "mine")
    chosen = chosen if chosen in VIEWS else "mine"
    try:
        found = page(_wanted(chosen, actor), limit=50, cursor=request.GET.get("cursor") or None)
    except Invalid:
        found = page(_wanted(chosen, actor), limit=50)
    shown = {
        "views": [(name, label, name == chosen) for name, label in VIEWS.items()],
        "rows": [_row(item) for item in found.rows],
        "next": urlencode({"view": chosen, "cursor": found.next_cursor}) if found.next_cursor else "",
    }
    return render(request, "web/work/list.html", shown)


@require_safe
@signed_in
def item(request: HttpRequest, actor: Actor, guid: UUID) -> HttpResponse:
    """One work item: what it is, where it stands, when it is due and how that came about."""
    try:
        found = queries.item(guid, by=actor)
    except NotFound as error:
        return render(request, "web/not_found.html", {"sentence": error.message}, status=404)
    rule = dues.rule_of(found)
    shown = _row(found) | {
        "zone": found.contract.time_zone,
        "calendar": found.contract.calendar,
        "rule": rule.description if rule is not None else "",
        "steps": [(step["said"], _moment(step["moment"])) for step in found.due_steps],
        "below": [_row(one) for one in queries.items_under(found, by=actor)[:200]],
        "contacts": queries.contacts_of(found, by=actor)[:100],
    }
    return render(request, "web/work/item.html", shown)


def _moment(written: str | None) -> datetime | None:
    """The moment a step led to; one that found nothing to count from led to none."""
    return datetime.fromisoformat(written) if written else None


def _wanted(chosen: str, actor: Actor) -> QuerySet[WorkItem]:
    items = queries.items_visible_to(actor)
    if chosen == "all":
        return items
    items = items.filter(status__in=queries.OPEN)
    return items.filter(assignee=actor.user_id or 0) if chosen == "mine" else items


def _row(item: WorkItem) -> dict[str, Any]:
    mark, said = _RAG[queries.rag(item)]
    status, zone = _STATUS[queries.Status(item.status)], item.contract.time_zone
    return {"item": item, "status": status, "rag": mark, "rag_said": said, "zone": zone}
