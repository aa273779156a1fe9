"""The second factor of one's own account: setting it up, recovery codes, turning it off."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import segno
from django import forms
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import commands, second_factors
from workwire.web.account.new_passwords import PresentForm
from workwire.web.account.tabs import tabs
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link


class AppCodeForm(forms.Form):
    """The first code of an app."""

    code = forms.CharField(
        label=gettext_lazy("Code of the app"),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """What the page shows: off, being set up (`picture` and `key`), just on (`codes`), or on."""

    tabs: tuple[Link, ...]
    is_on: bool
    is_required: bool
    left: int
    picture: SafeString
    key: str
    codes: tuple[str, ...]
    form: forms.Form
    of_beginning: forms.Form
    of_codes: forms.Form
    of_end: forms.Form


@page("account/second_factor.html", methods=FORM, enrols=True, secret=True)
def second_factor(visit: Visit) -> SecondFactorPage:
    """Show the second factor of the account; the first code of the app turns it on."""
    form = visit.form(AppCodeForm)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            codes = commands.confirm_second_factor(form.cleaned_data["code"], by=visit.actor)
            visit.status = HTTPStatus.CREATED
            return _shown(visit, codes=tuple(codes))
    return _shown(visit, form=form)


@page("account/second_factor.html", methods=("POST",), enrols=True, secret=True)
def begin(visit: Visit) -> SecondFactorPage | See:
    """Make the key of a second factor."""
    form = visit.form(PresentForm)
    if form.is_valid():
        with visit.refusals(form):
            commands.begin_second_factor(form.cleaned_data["present"], by=visit.actor)
            return See(reverse("second-factor"))
    return _shown(visit, of_beginning=form)


@page("account/second_factor.html", methods=("POST",), secret=True)
def renew_codes(visit: Visit) -> SecondFactorPage:
    """Make new recovery codes and show them in the answer, nowhere else."""
    form = visit.form(PresentForm)
    if form.is_valid():
        with visit.refusals(form):
            codes = commands.renew_recovery_codes(form.cleaned_data["present"], by=visit.actor)
            visit.status = HTTPStatus.CREATED
            return _shown(visit, codes=tuple(codes))
    return _shown(visit, of_codes=form)


@page("account/second_factor.html", methods=("POST",), secret=True)
def turn_off(visit: Visit) -> SecondFactorPage | See:
    """Turn the second factor off."""
    form = visit.form(PresentForm)
    if form.is_valid():
        with visit.refusals(form):
            commands.turn_off_second_factor(form.cleaned_data["present"], by=visit.actor)
            visit.tell(_("The second factor is off."))
            return See(reverse("second-factor"))
    return _shown(visit, of_end=form)


def _shown(
    visit: Visit,
    *,
    codes: tuple[str, ...] = (),
    form: forms.Form | None = None,
    of_beginning: forms.Form | None = None,
    of_codes: forms.Form | None = None,
    of_end: forms.Form | None = None,
) -> SecondFactorPage:
    standing = second_factors.standing(visit.signed_in.user)
    setup = None if standing.is_on else second_factors.setup_under_way(by=visit.actor)
    return SecondFactorPage(
        tabs=tabs("second-factor"),
        is_on=standing.is_on,
        is_required=standing.is_required,
        left=standing.codes_left,
        picture=_picture(setup.uri) if setup else SafeString(),
        key=_in_fours(setup.key) if setup else "",
        codes=codes,
        form=form or AppCodeForm(),
        of_beginning=of_beginning or PresentForm(auto_id="begin_%s"),
        of_codes=of_codes or PresentForm(auto_id="codes_%s"),
        of_end=of_end or PresentForm(auto_id="end_%s"),
    )


def _picture(uri: str) -> SafeString:
    """A QR code as SVG, dark on light in every theme."""
    return SafeString(segno.make(uri, micro=False).svg_inline(scale=5, dark="#000", light="#fff"))


def _in_fours(key: str) -> str:
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))
