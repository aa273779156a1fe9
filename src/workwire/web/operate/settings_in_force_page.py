"""The settings in force: every value that counts in this web process, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.access.policy import require
from workwire.checks.operator_settings import SECRET, Origin, SettingInForce, settings_in_force
from workwire.kernel.actor import Actor
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link, State

ORIGINS: dict[Origin, State] = {
    "environment": State("lock", gettext_lazy("Environment"), "ok"),
    "file": State("lock", gettext_lazy("File of settings"), "ok"),
    "administrator": State("circle-check", gettext_lazy("Chosen by an administrator"), "ok"),
    "default": State("circle", gettext_lazy("Default"), "todo"),
}


@dataclass(frozen=True, slots=True)
class SettingLine:
    """A setting: its variable, its value, where that came from, and where it is changed by who may."""

    variable: str
    value: str
    origin: State
    change: str


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """What the page shows: what is set, and what is left at its default."""

    crumbs: tuple[Link, ...]
    chosen: tuple[SettingLine, ...]
    defaults: tuple[SettingLine, ...]


@page("operate/settings.html")
def in_force(visit: Visit) -> SettingsInForce:
    """Show the settings that count here."""
    require(visit.actor, features.OPERATION)
    found = settings_in_force()
    return SettingsInForce(
        crumbs=(Link(_("Operate"), reverse("operate")), Link(_("Settings in force"), is_here=True)),
        chosen=tuple(_line(one, visit.actor) for one in found if one.origin != "default"),
        defaults=tuple(_line(one, visit.actor) for one in found if one.origin == "default"),
    )


def _line(one: SettingInForce, actor: Actor) -> SettingLine:
    changes = one.name and actor.has(features.SETTINGS)
    return SettingLine(
        variable=one.variable,
        value=_shown(one),
        origin=ORIGINS[one.origin],
        change=reverse("run-time-setting", args=[one.name]) if changes else "",
    )


def _shown(one: SettingInForce) -> str:
    if isinstance(one.value, bool):
        return _("Yes") if one.value else _("No")
    if one.value is None:
        return "–"
    is_secret = one.variable.removeprefix("WORKWIRE_").lower() in SECRET
    return _("%(count)s, not shown") % {"count": one.value} if is_secret else one.value
