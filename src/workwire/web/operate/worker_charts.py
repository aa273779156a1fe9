"""What all workers did in the last 24 hours, hour by hour, as charts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from workwire.reactions.webhooks import worker_slots
from workwire.reactions.webhooks.attempt_figures import slots_of
from workwire.reactions.webhooks.models import State
from workwire.reactions.webhooks.worker_slots import Happened
from workwire.web.kit.charts import Series
from workwire.web.kit.parts import took
from workwire.web.kit.time_charts import TimeChart, columns, lines

_HOUR = timedelta(hours=1)


def last_day(now: datetime) -> dict[datetime, Happened]:
    """What happened in each hour, oldest first."""
    hours = {begins: Happened() for begins in slots_of(now, timedelta(days=1), _HOUR)}
    first = next(iter(hours))
    for begins, one in worker_slots.happened(first).items():
        hours[first + (begins - first) // _HOUR * _HOUR].add(one)
    return hours


def summed(hours: Mapping[datetime, Happened]) -> Happened:
    """All of it together."""
    whole = Happened()
    for one in hours.values():
        whole.add(one)
    return whole


def charts(hours: Mapping[datetime, Happened]) -> tuple[TimeChart, TimeChart]:
    """How many messages ended, by how, and how long after the change they were taken."""
    ends = (State.DELIVERED, State.GAVE_UP, State.WITHHELD)
    series = Series(_("Delivered"), "ok"), Series(_("Gave up"), "bad"), Series(_("Withheld"), "warn")
    shares = Series(_("Half of the messages"), "run"), Series(_("95 % of the messages"), "warn")
    many = [(_begin(begins), tuple(one.ended[end.label] for end in ends)) for begins, one in hours.items()]
    long = [(_begin(begins), (_bound(one.within(50)), _bound(one.within(95)))) for begins, one in hours.items()]
    return (
        columns(_("Messages that ended, each hour of the last 24"), series, many),
        lines(_("Taken within, from the change on, each hour of the last 24"), shares, long),
    )


def bound_words(seconds: float) -> str:
    """The upper bound of a class of times."""
    return _("over a day") if seconds == float("inf") else took(seconds)


def _bound(seconds: float | None) -> tuple[float, str] | None:
    most = timedelta(days=1).total_seconds()
    return None if seconds is None else (min(seconds, most), bound_words(seconds))


def _begin(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), pgettext("format of an hour", "H:i"))
