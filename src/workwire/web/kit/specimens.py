"""`/kit`: every part in every state, for who develops pages; it exists only where Django's debug mode is on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.urls import reverse

from workwire.kernel import clock
from workwire.kernel.errors import not_found
from workwire.web.kit import charts, time_charts
from workwire.web.kit.charts import Bars, Series
from workwire.web.kit.overtaken import Overtaken
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Chip, Column, Due, Empty, Entry, Fact, Link, Pager, Person, State
from workwire.web.kit.time_charts import Spark, TimeChart

LONG = "Lieferantenstammdatenänderungsantragsgenehmigungsverfahren"


class SpecimenForm(forms.Form):
    """A field of every kind."""

    title = forms.CharField(max_length=40, help_text="People outside see this.")
    email = forms.EmailField(label="Email")
    wait_for = forms.ChoiceField(choices=[("information", "More information"), ("date", "A date")])
    reason = forms.CharField(required=False, widget=forms.Textarea({"rows": 2}))
    in_order = forms.BooleanField(required=False, label="In order")


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table that is shown."""

    state: State
    record: str
    took: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Specimens:
    """Every part."""

    crumbs: tuple[Link, ...]
    states: tuple[State, ...]
    dues: tuple[Due, ...]
    people: tuple[Person, ...]
    form: forms.Form
    wrong: forms.Form
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    pager: Pager
    kinds: tuple[Link, ...]
    tabs: tuple[Link, ...]
    chips: tuple[Chip, ...]
    entries: tuple[Entry, ...]
    empty: Empty
    facts: tuple[Fact, ...]
    chart: Bars
    steps: Bars
    many: TimeChart
    long: TimeChart
    sparks: tuple[Spark, ...]
    overtaken: Overtaken


@page("kit/specimens.html", methods=FORM, public=True)
def kit(visit: Visit) -> Specimens | See:
    """Show every part; what is sent is looked at and told in a toast, nothing more."""
    if not settings.DEBUG:
        raise not_found("page")
    form = visit.form(SpecimenForm, title="Rechnung RE-2026-00918")
    if visit.is_sent and form.is_valid():
        visit.tell("The form fits.")
        return See(reverse("kit"))
    wrong = SpecimenForm({"title": "", "email": "sabine@", "wait_for": "date"}, auto_id="wrong_%s")
    wrong.add_error(None, "Lars saved this 20 seconds ago.")
    return _specimens(form, wrong, clock.now())


def _specimens(form: forms.Form, wrong: forms.Form, now: datetime) -> Specimens:
    here = reverse("kit")
    states = (
        State("circle-dashed", "Draft", "off"),
        State("circle", "To do", "todo"),
        State("contrast", "In progress", "run"),
        State("circle-pause", "Waiting", "off"),
        State("triangle-alert", "Needs attention", "warn"),
        State("circle-check", "Resolved", "ok"),
        State("rotate-cw", "Retrying", "warn"),
        State("lock", "Withheld", "off"),
        State("circle-x", "Gave up", "bad"),
    )
    return Specimens(
        crumbs=(Link("Settings", here), Link("Kit", is_here=True)),
        states=states,
        dues=(
            Due("flag", "Overdue 2 h", "bad", now - timedelta(hours=2)),
            Due("clock", "Today, 16:00", "warn", now),
            Due("calendar", "Mon 30 Nov", "off", now + timedelta(days=3)),
            Due("pause", "Paused, 6 h left", "off", now + timedelta(hours=6)),
            Due("minus", "No due date", "off"),
        ),
        people=(
            *(Person.of(name) for name in ("Petra Novák", "Kwame Mensah", "Ines Duarte", "Tomasz W", "Sabine Köhler")),
            Person.of("OCR robot", is_robot=True),
            Person.nobody(),
        ),
        form=form,
        wrong=wrong,
        columns=(Column("State", sort=here, direction="asc"), Column("Record", sort=here), Column("Took", "number")),
        rows=(
            TableRow(State("circle-check", "Delivered", "ok"), f"140512-C Onboard {LONG}", "142 ms"),
            TableRow(states[6], "140377-T \u05e9\u05dc\u05d5\u05dd 4711", "88 ms", is_chosen=True),
            TableRow(states[7], "140523-A Approve payment run", "–"),
        ),
        pager=Pager(older=here, newest=here),
        kinds=(Link("All", here, is_here=True), Link("Failing", here, count="12"), Link("Withheld", here)),
        tabs=(Link("Communications", here, is_here=True, count="6"), Link("Everything", here), Link("Time", here)),
        chips=(Chip("Customer is", "Northwind Foods", here), Chip("Title has", LONG, here)),
        entries=(
            Entry(
                now,
                "",
                by=Person.of("Sabine Köhler"),
                detail="to ap@harbour.example",
                text="The right number is DE 811.",
            ),
            Entry(now, "", by=Person.of("Lars Østergaard"), detail="Note", text="Same holding problem.", is_note=True),
            Entry(now, "Due date", icon="clock", detail="moved to Fri 27 Nov, 11:30."),
        ),
        empty=Empty(
            "webhook", "Nobody is told anything yet", "A subscription sends messages.", Link("Subscribe", here)
        ),
        facts=(Fact("Country", "Germany"), Fact(LONG, LONG)),
        chart=charts.bars(
            "Open work by process",
            (Series("Overdue", "bad"), Series("Due today", "warn"), Series("Later", "ok")),
            (("Invoice query", (2, 5, 13)), (LONG, (0, 2, 9)), ("Statement check", (0, 0, 3))),
        ),
        steps=charts.steps(
            "Where the time went, in milliseconds",
            Series("Milliseconds", "run"),
            (("Name lookup", 12.5), ("Connecting", 30.0), ("TLS", 61.2), ("First byte", 188.0), (LONG, 3.1)),
        ),
        many=time_charts.columns(
            "Attempts by answer, each hour of the last 24",
            (Series("Taken", "ok"), Series("Refused", "bad"), Series("No answer", "warn")),
            [(f"{hour:02}:00", (hour * 7 % 40, hour % 5, int(hour == 13))) for hour in range(24)],
        ),
        long=time_charts.lines(
            "Time to answer, each hour of the last 24",
            (Series("Half of the answers", "run"), Series("95 % of the answers", "warn")),
            [(f"{hour:02}:00", _times(hour)) for hour in range(24)],
        ),
        sparks=(
            time_charts.spark("Nothing was tried in the last 24 hours", [None] * 24),
            time_charts.spark("All taken", [1.0] * 24),
            time_charts.spark("Some taken", [None, 1.0, 0.5, 0.0] * 6),
        ),
        overtaken=Overtaken("Lars Østergaard", now, (Fact("Payment terms", "60 days"), Fact("Title", LONG))),
    )


def _times(hour: int) -> tuple[tuple[float, str] | None, ...]:
    """A time for each of two lines, none in some hours."""
    if hour in (3, 4, 6):
        return None, None
    half, most = 40 + hour * 3, 120 + hour * 11 % 90
    return (half / 1000, f"{half} ms"), (most / 1000, f"{most} ms")
