"""The settings that change while the installation runs: what is in force, where it came from, and choosing another value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import commands, features, preferences, queries, run_time_settings
from workwire.access.policy import require
from workwire.access.queries import ChosenSetting
from workwire.access.run_time_settings import InForce
from workwire.kernel.actor import Actor
from workwire.kernel.errors import named, not_found
from workwire.web.kit.overtaken import refill
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Fact, Link, State, Words

SAID: dict[str, tuple[Words, Words]] = {
    "default_language": (
        gettext_lazy("Language"),
        gettext_lazy("Spoken to everybody whose account and browser ask for none there is. From the next page on."),
    ),
    "default_time_zone": (
        gettext_lazy("Time zone"),
        gettext_lazy("Of times on pages where neither the account nor the browser says one. From the next page on."),
    ),
    "token_idle_minutes": (
        gettext_lazy("Session ends after (minutes)"),
        gettext_lazy("A session or token that is unused for so long ends. It counts for those there are, too."),
    ),
    "login_attempts": (
        gettext_lazy("Failed logins"),
        gettext_lazy("So many for each account within a quarter of an hour, ten times as many for each address."),
    ),
    "sign_in_retention_days": (
        gettext_lazy("Keep sign-ins for (days)"),
        gettext_lazy(
            "Who signed in, or was refused, is forgotten after that. A smaller number removes more, for good."
        ),
    ),
    "feedback_window_hours": (
        gettext_lazy("Feedback window (hours)"),
        gettext_lazy("So long a resolved item may be reopened. For what is resolved from now on."),
    ),
    "ticket_resolution_asks_for": (
        gettext_lazy("Resolving a ticket asks for"),
        gettext_lazy(
            "Who resolves a ticket has written a mail or a note at it. People are asked, robots and other systems not."
        ),
    ),
    "defects_changed_by": (
        gettext_lazy("Who changes defects"),
        gettext_lazy(
            "Beyond adding and resolving them, which everyone may who works. For defects that are there, too."
        ),
    ),
    "linked_work_shows": (
        gettext_lazy("Linked work that one may not see shows"),
        gettext_lazy(
            "To who works on the item that it is linked to: reference, title, assignee, queue and due date, or nothing. "
            "For links that are there, too."
        ),
    ),
    "longest_session_hours": (
        gettext_lazy("Longest time session (hours)"),
        gettext_lazy("A clock that runs for longer was forgotten and ends there. For those that run now, too."),
    ),
    "largest_file_mb": (
        gettext_lazy("Largest file (MiB)"),
        gettext_lazy("A larger one is refused. For files from now on; those there are stay."),
    ),
    "webhook_most_subscriptions": (
        gettext_lazy("Subscriptions of an account"),
        gettext_lazy("An account may have so many. Those there are stay."),
    ),
    "webhook_most_tests": (
        gettext_lazy("Waiting test messages"),
        gettext_lazy("So many test messages of an account may wait at a time."),
    ),
    "webhook_pause_after_hours": (
        gettext_lazy("Pause a subscription after (hours)"),
        gettext_lazy(
            "A subscription that does nothing but fail for so long is paused. It counts for those failing now, too."
        ),
    ),
    "webhook_rotation_hours": (
        gettext_lazy("Old secrets stay valid for (hours)"),
        gettext_lazy("Beside a new one. For secrets that are made from now on."),
    ),
    "webhook_retention_days": (
        gettext_lazy("Keep deliveries for (days)"),
        gettext_lazy(
            "Finished deliveries and their attempts are removed after that. A smaller number removes more, for good."
        ),
    ),
}
CHANGED_BY = {
    "everyone": gettext_lazy("Everyone who may work on the item"),
    "creator": gettext_lazy("Only who added the defect"),
}
ASKED_FOR = {
    "communication": gettext_lazy("A mail or a note"),
    "nothing": gettext_lazy("Nothing"),
}
SHOWN = {
    "header": gettext_lazy("Its header"),
    "nothing": gettext_lazy("Nothing"),
}
WORDS = {
    "defects_changed_by": CHANGED_BY,
    "linked_work_shows": SHOWN,
    "ticket_resolution_asks_for": ASKED_FOR,
}
SOURCES = {
    "operator": State("lock", gettext_lazy("Set by the operator"), "off"),
    "administrator": State("circle-check", gettext_lazy("Chosen here"), "ok"),
    "default": State("circle", gettext_lazy("Default"), "todo"),
}


class SettingForm(forms.Form):
    """A value for a setting, and which choice there was when the form was filled (empty for none)."""

    value = forms.CharField(label=gettext_lazy("Value"), max_length=100)
    before = forms.CharField(widget=forms.HiddenInput, required=False)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting as it counts now."""

    address: str
    name: str
    label: Words
    sentence: Words
    value: str
    default: str
    source: State
    who: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SettingList:
    """What the list shows."""

    crumbs: tuple[Link, ...]
    rows: tuple[SettingRow, ...]


@dataclass(frozen=True, slots=True)
class SettingPage:
    """What the page of one setting shows; `why_not` says why it cannot be changed here, empty where it can."""

    crumbs: tuple[Link, ...]
    row: SettingRow
    form: SettingForm
    facts: tuple[Fact, ...]
    why_not: str
    audit: str


@page("administration/settings.html")
def run_time_settings_page(visit: Visit) -> SettingList:
    """All settings that can be changed at run time."""
    chosen = queries.settings_chosen(by=visit.actor)
    rows = tuple(_row(one, chosen.get(one.name)) for one in run_time_settings.all_in_force())
    return SettingList((Link(_("Administration")), Link(_("Settings"), is_here=True)), rows)


@page("administration/setting.html", methods=FORM)
def run_time_setting(visit: Visit, name: str) -> SettingPage | See:
    """One setting, and choosing another value."""
    require(visit.actor, features.SETTINGS)
    if name not in run_time_settings.RUN_TIME:
        raise not_found("page")
    chosen = queries.settings_chosen(by=visit.actor).get(name)
    now = run_time_settings.in_force(name)
    before = "" if chosen is None else str(chosen.value)
    form = visit.form(SettingForm, value=now.value, before=before)
    _fit(form, now)
    here = reverse("run-time-setting", args=[name])
    if visit.is_sent and form.is_valid():
        wish = form.cleaned_data
        with visit.refusals(form), named({"values": "value"}):
            commands.change_settings(
                {name: wish["value"]}, by=visit.actor, chosen_before={name: _before(now, wish["before"])}
            )
            visit.tell(_("Saved. Every process follows within three seconds."))
            return See(here)
        refill(form, before=before)
    row = _row(now, chosen)
    crumbs = (
        Link(_("Settings"), reverse("run-time-settings")),
        Link(row.label, is_here=True),
    )
    may_audit = chosen is not None and visit.actor.has(features.AUDIT)
    audit = f"{reverse('audit')}?record={chosen.guid}" if may_audit and chosen is not None else ""
    return SettingPage(crumbs, row, form, _facts(row), _why_not(now, visit.actor), audit)


@page("", methods=("POST",))
def reset_setting(visit: Visit, name: str) -> See:
    """Go back to the default of a setting."""
    commands.change_settings({name: None}, by=visit.actor)
    visit.tell(_("The default counts again."))
    return See(reverse("run-time-setting", args=[name]))


def _fit(form: SettingForm, now: InForce) -> None:
    """Let the field take what the setting does."""
    label, sentence = SAID[now.name]
    choices: dict[str, list[tuple[str, Any]]] = {
        "default_language": list(preferences.languages().items()),
        "default_time_zone": [(zone, zone) for zone in sorted(preferences.zones())],
        **{name: list(words.items()) for name, words in WORDS.items()},
    }
    if now.name in choices:
        form.fields["value"] = forms.ChoiceField(choices=choices[now.name])
    elif isinstance(now.default, int):
        form.fields["value"] = forms.IntegerField()
    form.fields["value"].label, form.fields["value"].help_text = str(label), str(sentence)
    form.order_fields(["value", "before"])
    if not form.is_bound:
        form.initial["value"] = now.value


def _before(now: InForce, written: str) -> int | str | None:
    if not written:
        return None
    return int(written) if isinstance(now.default, int) and written.isdecimal() and len(written) < 10 else written


def _row(one: InForce, chosen: ChosenSetting | None) -> SettingRow:
    label, sentence = SAID[one.name]
    is_chosen = one.source == "administrator" and chosen is not None
    return SettingRow(
        address=reverse("run-time-setting", args=[one.name]),
        name=one.name,
        label=label,
        sentence=sentence,
        value=_shown(one, one.value),
        default=_shown(one, one.default),
        source=SOURCES[one.source],
        who=(chosen.who or _("The system")) if is_chosen and chosen is not None else "",
        at=chosen.at if is_chosen and chosen is not None else None,
    )


def _shown(one: InForce, value: int | str) -> str:
    if isinstance(value, int):
        return number_format(value, force_grouping=True)
    if one.name in WORDS:
        return str(WORDS[one.name][value])
    return preferences.languages().get(value, value) if one.name == "default_language" else value


def _facts(row: SettingRow) -> tuple[Fact, ...]:
    return (
        Fact(_("In force"), row.value),
        Fact(_("Default"), row.default),
        Fact(_("From"), row.source.words),
        Fact(_("Name"), f"WORKWIRE_{row.name.upper()}"),
    )


def _why_not(now: InForce, actor: Actor) -> str:
    if now.source == "operator":
        return _("The operator set it, in the environment or the file of settings, which counts before any choice.")
    if now.name in run_time_settings.OF_ADMINISTRATORS and not queries.administers(actor):
        return _("Only an administrator changes this one, because it guards or removes something.")
    return ""
