"""Filters of lists by time: how long ago, and moments as an address writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy, pgettext

AGES = {
    "1h": (timedelta(hours=1), gettext_lazy("an hour ago")),
    "24h": (timedelta(hours=24), gettext_lazy("24 hours ago")),
    "7d": (timedelta(days=7), gettext_lazy("7 days ago")),
    "30d": (timedelta(days=30), gettext_lazy("30 days ago")),
}


def moment_of(written: str) -> datetime | None:
    """Read a moment in an address; without an offset it is in the zone of the page. None for any other text."""
    try:
        found = parse_datetime(written)
    except ValueError:
        return None
    if found is None or not 1970 < found.year < 9000:
        return None
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def as_written(moment: datetime) -> str:
    """A moment for an address."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_shown(moment: datetime | None) -> str:
    """A moment for people, empty for none."""
    if moment is None:
        return ""
    return date_format(timezone.localtime(moment), pgettext("format of a moment", "D j M Y, H:i"))
