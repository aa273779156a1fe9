"""What pages of administration share: the levels of data permissions, counts, and the languages and zones to choose from."""

from __future__ import annotations

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import preferences

MOST_COUNTED = 1000
LEVELS = {
    "company": gettext_lazy("Company"),
    "contract": gettext_lazy("Contract"),
    "service": gettext_lazy("Service"),
    "process": gettext_lazy("Process"),
}


def counted(count: int) -> str:
    """A number that is counted up to a thousand only."""
    if count > MOST_COUNTED:
        return _("more than %(count)s") % {"count": number_format(MOST_COUNTED, force_grouping=True)}
    return number_format(count, force_grouping=True)


def languages() -> list[tuple[str, Any]]:
    """The languages to choose from, none first."""
    return [("", _("As the browser says")), *preferences.languages().items()]


def zones() -> list[tuple[str, Any]]:
    """The time zones to choose from, none first."""
    return [("", _("As the browser says")), *((zone, zone) for zone in sorted(preferences.zones()))]
