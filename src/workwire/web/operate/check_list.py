"""The checks of the installation, made when the page is opened: what each found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workwire.access import features
from workwire.access.policy import require
from workwire.checks import inspection
from workwire.checks.outcomes import Finding, Outcome
from workwire.kernel import clock
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, State, Words

CHECKS: dict[str, Words] = {
    "data_folder": gettext_lazy("Data folder"),
    "key_file": gettext_lazy("Key of the stored secrets"),
    "privacy": gettext_lazy("Files closed to others"),
    "authorities": gettext_lazy("Certificate authorities"),
    "database": gettext_lazy("Database"),
    "migrations": gettext_lazy("Migrations"),
    "sending": gettext_lazy("Sending"),
    "secrets": gettext_lazy("Stored secrets"),
    "names": gettext_lazy("Names"),
    "workers": gettext_lazy("Workers"),
    "subscriptions": gettext_lazy("Subscriptions"),
    "jobs": gettext_lazy("Jobs"),
    "backlog": gettext_lazy("Messages that are due"),
    "listeners": gettext_lazy("Listeners"),
}
_STATES = {
    Outcome.OK: State("circle-check", gettext_lazy("Well"), "ok"),
    Outcome.NOTE: State("info", gettext_lazy("Worth knowing"), "warn"),
    Outcome.WRONG: State("circle-x", gettext_lazy("To mend"), "bad"),
}
_WORST_FIRST = (Outcome.WRONG, Outcome.NOTE, Outcome.OK)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check: what it found, and what to do."""

    state: State
    check: Words
    said: str
    advice: str


@dataclass(frozen=True, slots=True)
class CheckList:
    """What the page shows."""

    crumbs: tuple[Link, ...]
    at: datetime
    zone: str
    verdict: str
    tone: str
    rows: tuple[CheckRow, ...]


@page("operate/checks.html")
def checks(visit: Visit) -> CheckList:
    """Make all checks and show what they find, what is to be mended first."""
    require(visit.actor, features.OPERATION)
    at, found = clock.now(), inspection.findings()
    to_mend = sum(not one.is_well for one in found)
    mend = ngettext("%(count)s thing has to be mended.", "%(count)s things have to be mended.", to_mend)
    return CheckList(
        crumbs=(Link(_("Operate"), reverse("operate")), Link(_("Checks"), is_here=True)),
        at=at,
        zone=visit.look.zone_name,
        verdict=mend % {"count": to_mend} if to_mend else _("Nothing has to be mended."),
        tone="bad" if to_mend else "ok",
        rows=tuple(map(_row, sorted(found, key=lambda one: _WORST_FIRST.index(one.outcome)))),
    )


def _row(one: Finding) -> CheckRow:
    return CheckRow(
        _STATES[one.outcome], CHECKS[one.check], one.said.sentence(), one.advice.sentence() if one.advice else ""
    )
