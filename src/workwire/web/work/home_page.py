"""Home: what an account works from, as lists with totals by due date, its focus list and what it opened last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.following import queries as following
from workwire.rooms.following import recent_items
from workwire.rooms.work import commands, memberships, policy
from workwire.rooms.work.due_states import DueState
from workwire.rooms.work.memberships import MOST_COUNTED, Membership
from workwire.rooms.work.queries import WorkItem
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import See, Visit, page
from workwire.web.kit.parts import Column, Empty, Link, Pager, Words, address
from workwire.web.work.item_parts import Row, address_of, holder_of, row

FOCUS, RECENT = "focus", "recent"
_LISTS: dict[str, tuple[Words, Words]] = {
    Membership.INBOX: (gettext_lazy("Work inbox"), gettext_lazy("Work that is assigned to you appears here.")),
    Membership.OWNED: (
        gettext_lazy("Owned work"),
        gettext_lazy("Work that you own and that waits, runs or was resolved appears here."),
    ),
    Membership.TEAM_INBOX: (
        gettext_lazy("Team inbox"),
        gettext_lazy("Work of your team, and all that lies in your queues, appears here."),
    ),
    Membership.TEAM_OWNED: (
        gettext_lazy("Team owned work"),
        gettext_lazy("Work that somebody of your team owns appears here."),
    ),
    FOCUS: (
        gettext_lazy("Focus list"),
        gettext_lazy(
            "Work that you want to get to appears here, in your order. Choose some in a list and put it here."
        ),
    ),
    RECENT: (gettext_lazy("Recent"), gettext_lazy("The last 20 work items that you opened appear here.")),
}
_DUES: dict[str, tuple[DueState | None, Words, str, str]] = {
    "": (None, gettext_lazy("All"), "list", ""),
    "overdue": (DueState.OVERDUE, gettext_lazy("Overdue"), "flag", "bad"),
    "today": (DueState.TODAY, gettext_lazy("Due today"), "clock", "warn"),
    "later": (DueState.LATER, gettext_lazy("Due later"), "calendar", "ok"),
    "not-set": (DueState.NOT_SET, gettext_lazy("Not set"), "minus", "off"),
}


@dataclass(frozen=True, slots=True)
class Total:
    """How many items of a list stand in one way against their due dates, and where these alone are shown."""

    words: Words
    count: str
    icon: str
    tone: str
    address: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class HomeRow:
    """A work item of a list; in the focus list with its place, among the recent ones with when it was opened."""

    item: Row
    guid: str
    queue: str
    place: int = 0
    opened: datetime | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What the page shows; `chosen` is the name of the list."""

    chosen: str
    title: Words
    tabs: tuple[Link, ...]
    totals: tuple[Total, ...]
    columns: dict[str, Column]
    rows: tuple[HomeRow, ...]
    pager: Pager
    empty: Empty
    here: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what it does not know counts as not given."""

    chosen: str
    due: str
    sort: str

    def address(self, **changes: str | None) -> str:
        """The address of this list with something else, at its beginning."""
        given = {"list": "" if self.chosen == Membership.INBOX else self.chosen, "due": self.due, "sort": self.sort}
        return address(reverse("home"), given, **changes)


@page("work/home.html")
def home(visit: Visit) -> Home | HttpResponseRedirect:
    """The list that the address names, the work inbox without one; who does not work is led to the list of work."""
    if not policy.may_work(visit.actor):
        return HttpResponseRedirect(reverse("work"))
    given = visit.request.GET
    asked = Asked(
        chosen=chosen if (chosen := given.get("list", "")) in _LISTS else Membership.INBOX,
        due=due if (due := given.get("due", "")) in _DUES else "",
        sort=sort if (sort := given.get("sort", "")) in memberships.ORDERS else "",
    )
    blank = _blank(asked, visit.actor)
    if asked.chosen == FOCUS:
        return replace(blank, rows=_focused(visit.actor))
    if asked.chosen == RECENT:
        return replace(blank, rows=_opened(visit.actor))
    return _list(blank, asked, visit)


@page("", methods=("POST",))
def get_work(visit: Visit) -> See:
    """Take the most important item of the reader's queues, and go to it."""
    item = commands.get_more_work(by=visit.actor)
    if item is None:
        visit.tell(_("There is no work for you in your queues."))
        return See(reverse("home"))
    visit.tell(_("This is yours now."))
    return See(address_of(item))


def shown_row(item: WorkItem, now: datetime) -> HomeRow:
    """A work item as a row of Home."""
    drawn = replace(row(item, now), assignee=holder_of(item))
    return HomeRow(drawn, str(item.guid), item.queue.name if item.queue is not None else "")


def _list(blank: Home, asked: Asked, visit: Visit) -> Home:
    now, by = clock.now(), visit.actor
    members = memberships.members(Membership(asked.chosen), by=by)
    wanted = memberships.in_due_state(members, _DUES[asked.due][0], now)
    order = asked.sort or "due"
    part = part_of(visit, lambda cursor: memberships.ordered_page(wanted, order, by=by, cursor=cursor), asked.address())
    return replace(
        blank,
        totals=_totals(asked, memberships.totals(members, now)),
        columns=_columns(asked),
        rows=tuple(shown_row(item, now) for item in part.rows),
        pager=part.pager,
    )


def _blank(asked: Asked, by: Actor) -> Home:
    """The page without its rows."""
    counts = memberships.counts(by=by)
    tabs = tuple(
        Link(
            words,
            asked.address(list="" if name == Membership.INBOX else name, due=None, sort=None),
            name == asked.chosen,
            _counted(counts[Membership(name)]) if name in counts else "",
        )
        for name, (words, _sentence) in _LISTS.items()
    )
    title, sentence = _LISTS[asked.chosen]
    return Home(asked.chosen, title, tabs, (), {}, (), Pager(), _empty(asked, sentence), asked.address())


def _counted(count: int) -> str:
    """A count as tabs say it, exact up to a thousand."""
    if count > MOST_COUNTED:
        return f"{number_format(MOST_COUNTED, force_grouping=True)}+"
    return number_format(count, force_grouping=True)


def _totals(asked: Asked, found: dict[DueState, int]) -> tuple[Total, ...]:
    return tuple(
        Total(
            words,
            number_format(sum(found.values()) if state is None else found[state], force_grouping=True),
            icon,
            tone,
            asked.address(due=name or None),
            name == asked.due,
        )
        for name, (state, words, icon, tone) in _DUES.items()
    )


def _columns(asked: Asked) -> dict[str, Column]:
    """The heads that sort: by when an item was created, newest first, and by when it is due, soonest or latest first."""
    sort = asked.sort or "due"
    directions = {"due": "asc", "-due": "desc"}
    return {
        "reference": Column(
            _("Reference"), sort=asked.address(sort="-created"), direction="desc" if sort == "-created" else ""
        ),
        "due": Column(
            _("Due"),
            sort=asked.address(sort="-due" if sort == "due" else None),
            direction=directions.get(sort, ""),
        ),
    }


def _empty(asked: Asked, sentence: Words) -> Empty:
    if asked.due:
        return Empty(
            "inbox", _("Nothing here"), _("No work fits these filters."), Link(_("Show all"), asked.address(due=None))
        )
    if asked.chosen == Membership.INBOX:
        step = Link(_("See what your team has"), asked.address(list=Membership.TEAM_INBOX, sort=None))
        return Empty("inbox", _("Nothing here"), sentence, step)
    return Empty("inbox", _("Nothing here"), sentence)


def _focused(by: Actor) -> tuple[HomeRow, ...]:
    """The focus list in its order."""
    now = clock.now()
    keys = [entry.work_item_id for entry in following.focus_list(by=by)]
    found: Sequence[WorkItem] = memberships.in_their_order(keys, by=by)
    return tuple(replace(shown_row(item, now), place=place) for place, item in enumerate(found, start=1))


def _opened(by: Actor) -> tuple[HomeRow, ...]:
    """What was opened last, newest first."""
    now = clock.now()
    return tuple(replace(shown_row(item, now), opened=at) for item, at in recent_items.recent(by=by))
