"""Work items as parts of pages: where they stand, when they are due, who has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from workwire.rooms.work import item_due_dates, queries
from workwire.rooms.work.deeds import Deed
from workwire.rooms.work.queries import ProcessType, Status, WorkItem
from workwire.web.kit import account_people
from workwire.web.kit.parts import Due, Person, State, lasted
from workwire.web.work.item_effort import in_hours

_STATES = {
    Status.DRAFT: State("circle-dashed", gettext_lazy("Draft"), "off"),
    Status.TO_DO: State("circle", gettext_lazy("To do"), "todo"),
    Status.IN_PROGRESS: State("contrast", gettext_lazy("In progress"), "run"),
    Status.WAITING: State("circle-pause", gettext_lazy("Waiting"), "off"),
    Status.RESOLVED: State("circle-check", gettext_lazy("Resolved"), "ok"),
    Status.CLOSED: State("circle-check", gettext_lazy("Closed"), "off"),
}
_NEEDS_ATTENTION = State("triangle-alert", gettext_lazy("Needs attention"), "warn")
_NEWS = State("bell", gettext_lazy("Something new"), "warn")  # at a case
_CAME_BACK = State("bell", gettext_lazy("To do again"), "warn")  # what waited
KINDS = {
    ProcessType.TICKET: gettext_lazy("Ticket"),
    ProcessType.CASE: gettext_lazy("Case"),
    ProcessType.ACTION: gettext_lazy("Action"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A work item in a list."""

    address: str
    reference: str
    title: str
    customer: str
    process: str
    state: State
    due: Due
    assignee: Person


def row(item: WorkItem, now: datetime) -> Row:
    """A work item as a row of a list, at a moment."""
    return Row(
        address=address_of(item),
        reference=item.reference or "",
        title=item.title,
        customer=item.customer.name,
        process=item.work_type.name,
        state=state_of(item),
        due=due_of(item, now),
        assignee=assignee_of(item),
    )


def address_of(item: WorkItem) -> str:
    """The address of an item's page: by its reference once it has one."""
    if item.reference:
        return reverse("work-item-by-reference", args=[item.reference])
    return reverse("work-item", args=[item.guid])


def address_of_deed(item: WorkItem, deed: Deed) -> str:
    """The address where something is done with an item."""
    return reverse(f"work-item-{deed.replace('_', '-')}", args=[item.guid])


def state_of(item: WorkItem) -> State:
    """Where an item stands; one that a person must decide about needs attention, and what came back from waiting is marked."""
    in_trouble = item.status == Status.TO_DO and (item.robot_rejected or item.status_reason in queries.TROUBLED)
    if in_trouble or item.attention:
        return _NEEDS_ATTENTION
    if item.news_since and item.status in queries.DUE:
        return _NEWS
    came_back = item.status == Status.TO_DO and item.status_reason in queries.WOKEN
    return _CAME_BACK if came_back else _STATES[Status(item.status)]


def assignee_of(item: WorkItem) -> Person:
    """Who has an item."""
    return account_people.person_of(item.assignee)


def person_at_item(somebody: Any) -> Person:
    """A contact from outside, or an account."""
    is_account = somebody is None or hasattr(somebody, "user_type")
    return account_people.person_of(somebody) if is_account else Person.of(somebody.full_name)


def holder_of(item: WorkItem) -> Person:
    """Who has an item: who is to do it, else who owns it."""
    return account_people.person_of(item.assignee or item.owner)


def due_of(item: WorkItem, now: datetime) -> Due:
    """How an item stands against its due date, in words of the reader's zone."""
    if item.status in (Status.RESOLVED, Status.CLOSED) and item.resolved_on is not None:
        return Due("check", _("Done %(day)s") % {"day": _day(item.resolved_on)}, "off", item.resolved_on)
    due = item.due_date
    if due is None or item.status == Status.DRAFT:
        return Due("minus", _("No due date"), "off")
    if (left := item_due_dates.paused(item)) is not None:
        return Due("pause", _paused(left), "off" if left > timedelta(0) else "bad")
    rag = queries.rag(item, now)
    if rag == rag.OVERDUE:
        return Due("flag", _("Overdue %(time)s") % {"time": lasted(now - due)}, "bad", due)
    if rag == rag.DUE_TODAY:
        return Due("clock", _today(due, now), "warn", due)
    return Due("calendar", _day(due), "off", due)


def _paused(left: timedelta) -> str:
    """How far away a paused due date was when the waiting began."""
    time = {"time": in_hours(abs(left) // timedelta(minutes=1))}
    return (_("Paused %(time)s before due") if left > timedelta(0) else _("Paused %(time)s after due")) % time


def _today(due: datetime, now: datetime) -> str:
    """Today, where the work is done; for the reader it may be tomorrow already."""
    local = timezone.localtime(due)
    time = date_format(local, pgettext("format of a time", "H:i"))
    if local.date() == timezone.localtime(now).date():
        return _("Today, %(time)s") % {"time": time}
    return f"{_day(due)}, {time}"


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), pgettext("format of a day", "D j M"))
