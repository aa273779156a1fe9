"""How an endpoint did over a time, as charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from workwire.reactions.webhooks.attempt_figures import Figures, Period, Slot
from workwire.web.kit.charts import Series
from workwire.web.kit.page import Visit
from workwire.web.kit.parts import Words, took
from workwire.web.kit.time_charts import TimeChart, columns, lines

PERIODS: dict[Period, Words] = {
    Period.DAY: gettext_lazy("Last 24 hours"),
    Period.WEEK: gettext_lazy("Last 7 days"),
}
_HOW_MANY = {
    Period.DAY: gettext_lazy("Attempts by answer, each hour of the last 24"),
    Period.WEEK: gettext_lazy("Attempts by answer, every 6 hours of the last 7 days"),
}
_HOW_LONG = {
    Period.DAY: gettext_lazy("Time to answer, each hour of the last 24"),
    Period.WEEK: gettext_lazy("Time to answer, every 6 hours of the last 7 days"),
}


def period_of(visit: Visit) -> Period:
    """The period that an address asks for; the last day otherwise."""
    asked = visit.request.GET.get("period", "")
    return Period(asked) if asked in set(Period) else Period.DAY


def how_many(figures: Figures, period: Period) -> TimeChart:
    """How many attempts there were, by how they were answered."""
    series = Series(_("Taken"), "ok"), Series(_("Refused"), "bad"), Series(_("No answer"), "warn")
    rows = [
        (_begin(slot.begins, period), (slot.counts.succeeded, slot.counts.refused, slot.counts.unanswered))
        for slot in figures.slots
    ]
    return columns(_HOW_MANY[period], series, rows)


def how_long(figures: Figures, period: Period) -> TimeChart:
    """Within which time half of the answers came, and 95 % of them."""
    series = Series(_("Half of the answers"), "run"), Series(_("95 % of the answers"), "warn")
    shares: Sequence[Callable[[Slot], float | None]] = (lambda slot: slot.half, lambda slot: slot.most)
    rows = [(_begin(slot.begins, period), tuple(_told(of(slot)) for of in shares)) for slot in figures.slots]
    return lines(_HOW_LONG[period], series, rows)


def _told(seconds: float | None) -> tuple[float, str] | None:
    return None if seconds is None else (seconds, took(seconds))


def _begin(moment: datetime, period: Period) -> str:
    """When a slot begins, briefly, in the zone of the page."""
    local = timezone.localtime(moment)
    shown = pgettext("format of an hour", "H:i") if period is Period.DAY else pgettext("format of a slot", "D j, H:i")
    return date_format(local, shown)
