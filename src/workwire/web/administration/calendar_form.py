"""Making a calendar and changing one: its working week, the country of its holidays, and single days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.access.policy import require
from workwire.rooms.commitments import commands, given_hours, queries
from workwire.web.administration.written_hours import as_written, days_as_written, days_in, hours_in
from workwire.web.kit.overtaken import Overtaken, VersionedForm, overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link

if TYPE_CHECKING:
    from workwire.rooms.commitments.models import Calendar

DAYS = tuple(f"day{number}" for number in WEEKDAYS)


class CalendarForm(VersionedForm):
    """What is given of a calendar; there is a field for each day of the week."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), widget=forms.Textarea(attrs={"rows": 2}), required=False
    )
    country = forms.CharField(
        label=gettext_lazy("Country"),
        help_text=gettext_lazy("Its public holidays are free: DE for Germany. Empty for none."),
        max_length=2,
        required=False,
    )
    subdivision = forms.CharField(
        label=gettext_lazy("Part of the country"),
        help_text=gettext_lazy("Where it has holidays of its own: BY for Bavaria."),
        max_length=10,
        required=False,
    )
    exceptions = forms.CharField(
        label=gettext_lazy("Single days"),
        help_text=gettext_lazy(
            "One in a line: 2026-12-24 09:00-12:00. A day without hours is free, also one that is no holiday."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
        required=False,
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for day, words in zip(DAYS, WEEKDAYS.values(), strict=True):
            self.fields[day] = forms.CharField(label=words, max_length=200, required=False)

    def clean_country(self) -> str:
        """The code in capital letters."""
        return str(self.cleaned_data["country"]).upper()

    def clean_subdivision(self) -> str:
        """The code in capital letters."""
        return str(self.cleaned_data["subdivision"]).upper()

    def clean_exceptions(self) -> str:
        """The days in order, written as they are kept."""
        return days_as_written(days_in(self.cleaned_data["exceptions"]))

    def clean(self) -> dict[str, Any]:
        """The hours of each day of the week, written as they are kept."""
        for day in DAYS:
            try:
                self.cleaned_data[day] = as_written(hours_in(self.cleaned_data.get(day, "")))
            except ValidationError as error:
                self.add_error(day, error)
        return self.cleaned_data

    @property
    def week(self) -> list[forms.BoundField]:
        """The fields of the days."""
        return [self[day] for day in DAYS]

    @property
    def wish(self) -> dict[str, Any]:
        """What the form says, as the commands take it."""
        sent = self.cleaned_data
        return {
            "name": sent["name"],
            "description": sent["description"],
            "country": sent["country"],
            "subdivision": sent["subdivision"],
            "week": [hours_in(sent[day]) for day in DAYS],
            "exceptions": days_in(sent["exceptions"]),
        }


@dataclass(frozen=True, slots=True)
class CalendarEditing:
    """What the form shows."""

    crumbs: tuple[Link, ...]
    title: str
    address: str
    back: str
    form: CalendarForm
    overtaken: Overtaken | None
    is_new: bool


@page("administration/calendar_form.html", methods=FORM)
def new_calendar(visit: Visit) -> CalendarEditing | See:
    """Make a calendar, at first of the standard week."""
    require(visit.actor, features.CALENDARS)
    standard = {day: as_written(hours) for day, hours in zip(DAYS, given_hours.STANDARD_WEEK, strict=True)}
    form = visit.form(CalendarForm, **standard)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            made = commands.create_calendar(by=visit.actor, **form.wish)
            visit.tell(_("The calendar is made."))
            return See(reverse("calendar", args=[made.guid]))
    crumbs = (Link(_("Calendars"), reverse("calendars")), Link(_("New calendar"), is_here=True))
    address, back = reverse("new-calendar"), reverse("calendars")
    return CalendarEditing(crumbs, _("New calendar"), address, back, form, None, is_new=True)


@page("administration/calendar_form.html", methods=FORM)
def edit_calendar(visit: Visit, guid: UUID) -> CalendarEditing | See:
    """Change a calendar; due dates that were set before stay."""
    require(visit.actor, features.CALENDARS)
    found = queries.calendar(guid)
    present, back = _written(found), reverse("calendar", args=[guid])
    form = visit.form(CalendarForm, version=found.version, **present)
    faster = None
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.update_calendar(found, by=visit.actor, version=form.cleaned_data["version"], **form.wish)
            visit.tell(_("Saved. Due dates that were set before stay as they are."))
            return See(back)
        faster = overtaken(visit, form, found.guid, found.version, present)
    crumbs = (Link(_("Calendars"), reverse("calendars")), Link(found.name, back), Link(_("Edit"), is_here=True))
    return CalendarEditing(crumbs, found.name, reverse("edit-calendar", args=[guid]), back, form, faster, is_new=False)


def _written(found: Calendar) -> dict[str, str]:
    """A calendar as the form shows it."""
    return {
        "name": found.name,
        "description": found.description,
        "country": found.country,
        "subdivision": found.subdivision,
        "exceptions": days_as_written(found.exceptions),
        **{day: as_written(hours) for day, hours in zip(DAYS, found.week, strict=True)},
    }
