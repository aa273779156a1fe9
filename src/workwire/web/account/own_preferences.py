"""The page of one's own account: language, time zone, look, and what one wants to be told of."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import commands, preferences
from workwire.reactions.notices import commands as notices
from workwire.reactions.notices import explaining, queries
from workwire.web.account.tabs import tabs
from workwire.web.kit.look import look_of
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Fact, Link

_CHOSEN_THERE = ("", gettext_lazy("As chosen in each browser"))
_THEMES = (
    _CHOSEN_THERE,
    ("system", gettext_lazy("System")),
    ("light", gettext_lazy("Light")),
    ("dark", gettext_lazy("Dark")),
)
_DENSITIES = (_CHOSEN_THERE, ("compact", gettext_lazy("Compact")), ("comfortable", gettext_lazy("Comfortable")))
_LOOK = ("language", "time_zone", "theme", "density")
_OF_NOTICES = "notice-"


class PreferencesForm(forms.Form):
    """What an account prefers, and a box for each kind of notice; an empty choice is none."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    theme = forms.ChoiceField(label=gettext_lazy("Theme"), choices=_THEMES, required=False)
    density = forms.ChoiceField(label=gettext_lazy("Density"), choices=_DENSITIES, required=False)


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What the page shows."""

    tabs: tuple[Link, ...]
    facts: tuple[Fact, ...]
    form: forms.Form
    look: tuple[forms.BoundField, ...]
    notices: tuple[forms.BoundField, ...]


@page("account/me.html", methods=FORM)
def me(visit: Visit) -> OwnAccount | See:
    """Show what the account prefers, and change it."""
    account = visit.signed_in.user
    wanted = queries.wanted(visit.actor)
    form = visit.form(PreferencesForm, **{name: getattr(account, name) for name in _LOOK})
    _offer(form, visit, wanted)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.set_preferences(
                account,
                by=visit.actor,
                language=form.cleaned_data["language"],
                time_zone=form.cleaned_data["time_zone"],
                theme=form.cleaned_data["theme"],
                density=form.cleaned_data["density"],
            )
            for kind, was_wanted in wanted.items():
                if (now_wanted := form.cleaned_data[_OF_NOTICES + kind.value]) != was_wanted:
                    notices.choose(kind, now_wanted, by=visit.actor)
            visit.tell(_("Saved."))
            return See(reverse("me"))
    roles = ", ".join(sorted(assignment.role.name for assignment in account.role_assignments.select_related("role")))
    return OwnAccount(
        tabs=tabs("me"),
        facts=(
            Fact(_("Name"), account.full_name),
            Fact(_("User name"), account.username),
            Fact(_("Mail address"), account.email or "–"),
            Fact(_("Roles"), roles or "–"),
        ),
        form=form,
        look=tuple(form[name] for name in _LOOK),
        notices=tuple(form[_OF_NOTICES + kind.value] for kind in wanted),
    )


def _offer(form: forms.Form, visit: Visit, wanted: dict[queries.Kind, bool]) -> None:
    """Let the languages, the time zones and the kinds of notices be chosen."""
    browser, names = look_of(visit.request, None), preferences.languages()
    no_choice = _("As the browser says: %(value)s")
    zones = [(zone, zone) for zone in sorted(preferences.zones())]
    language = no_choice % {"value": names.get(browser.language, browser.language)}
    _choices(form, "language", [("", language), *names.items()])
    _choices(form, "time_zone", [("", no_choice % {"value": browser.zone_name}), *zones])
    for kind, is_wanted in wanted.items():
        label = explaining.meaning(kind).sentence()
        form.fields[_OF_NOTICES + kind.value] = forms.BooleanField(label=label, required=False, initial=is_wanted)


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices
