"""Working calendars: the list, and one with its week, its holidays and its single days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock
from workwire.kernel.pages import page as newest_page
from workwire.rooms.commitments import queries
from workwire.web.administration.editing import counted
from workwire.web.administration.written_hours import as_written
from workwire.web.kit.list_part import part_of
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Empty, Link, Pager, Words

if TYPE_CHECKING:
    from workwire.rooms.commitments.models import Calendar

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A calendar in the list."""

    address: str
    name: str
    country: str
    week: str
    exceptions: str


@dataclass(frozen=True, slots=True)
class CalendarList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    rows: tuple[CalendarRow, ...]
    pager: Pager
    empty: Empty


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day and what is said of it: its hours, or the name of the holiday."""

    day: Words
    said: str


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """What the page of a calendar shows."""

    crumbs: tuple[Link, ...]
    address: str
    name: str
    description: str
    country: str
    week: tuple[DayRow, ...]
    holidays: tuple[DayRow, ...]
    year: int
    years: tuple[Link, ...]
    exceptions: tuple[DayRow, ...]
    exception_count: str


@page("administration/calendars.html")
def calendars(visit: Visit) -> CalendarList:
    """All calendars."""
    require(visit.actor, features.CALENDARS)
    part = part_of(visit, lambda cursor: newest_page(queries.calendars(), cursor=cursor), reverse("calendars"))
    return CalendarList(
        crumbs=(Link(_("Administration")), Link(_("Calendars"), is_here=True)),
        rows=tuple(
            CalendarRow(
                reverse("calendar", args=[one.guid]), one.name, _country(one), _week(one), counted(len(one.exceptions))
            )
            for one in part.rows
        ),
        pager=part.pager,
        empty=Empty(
            "calendar",
            _("No calendars yet"),
            _("Due dates count the hours of a calendar; without one they count Monday to Friday, 9 to 17."),
            Link(_("Make a calendar"), reverse("new-calendar")),
        ),
    )


@page("administration/calendar.html")
def calendar(visit: Visit, guid: UUID) -> CalendarPage:
    """One calendar, with the holidays of the year that the address asks for: this one or the next."""
    require(visit.actor, features.CALENDARS)
    found, here = queries.calendar(guid), reverse("calendar", args=[guid])
    this = timezone.localtime(clock.now()).year
    year = this + (visit.request.GET.get("year") == str(this + 1))
    return CalendarPage(
        crumbs=(Link(_("Administration")), Link(_("Calendars"), reverse("calendars")), Link(found.name, is_here=True)),
        address=here,
        name=found.name,
        description=found.description,
        country=_country(found),
        week=tuple(
            DayRow(words, as_written(hours) or _("Free"))
            for words, hours in zip(WEEKDAYS.values(), found.week, strict=True)
        ),
        holidays=tuple(DayRow(_day(day), name) for day, name in queries.holidays_of(found, year, visit.look.language)),
        year=year,
        years=tuple(Link(str(one), f"{here}?year={one}", one == year) for one in (this, this + 1)),
        exceptions=tuple(
            DayRow(_day(date.fromisoformat(day)), as_written(hours) or _("Free"))
            for day, hours in sorted(found.exceptions.items(), reverse=True)[:MOST_SHOWN]
        ),
        exception_count=counted(len(found.exceptions)),
    )


def _country(one: Calendar) -> str:
    return "-".join(part for part in (one.country, one.subdivision) if part)


def _week(one: Calendar) -> str:
    """The week in short: days that follow each other with the same hours are named by the first and the last."""
    spans: list[list[int]] = []
    for number, hours in enumerate(one.week):
        if spans and one.week[spans[-1][-1]] == hours:
            spans[-1].append(number)
        else:
            spans.append([number])
    return "; ".join(f"{_span(span)} {as_written(one.week[span[0]])}" for span in spans if one.week[span[0]])


def _span(days: list[int]) -> str:
    first, last = (str(WEEKDAYS_ABBR[day]) for day in (days[0], days[-1]))
    return first if len(days) == 1 else f"{first}–{last}"


def _day(day: date) -> str:
    return date_format(day, pgettext("format of a day with its year", "D j M Y"))
