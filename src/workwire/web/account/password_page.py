"""Changing one's own password."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _

from workwire.access import commands
from workwire.web.account.new_passwords import NewPasswordForm, PresentForm
from workwire.web.account.tabs import tabs
from workwire.web.kit.page import FORM, See, Visit, page
from workwire.web.kit.parts import Link


class OwnPasswordForm(PresentForm, NewPasswordForm):
    """The present password, and a new one twice."""

    field_order = ("present", "password", "again")


@dataclass(frozen=True, slots=True)
class OwnPassword:
    """What the page shows."""

    tabs: tuple[Link, ...]
    username: str
    form: forms.Form


@page("account/password.html", methods=FORM, secret=True)
def own_password(visit: Visit) -> OwnPassword | See:
    """Change the password of the account; its other sessions end."""
    form = visit.form(OwnPasswordForm)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            commands.change_own_password(
                form.cleaned_data["present"],
                form.cleaned_data["password"],
                by=visit.actor,
                kept=visit.signed_in.guid,
            )
            visit.tell(_("Your password is changed. Your other sessions have ended."))
            return See(reverse("own-password"))
    return OwnPassword(tabs("own-password"), visit.signed_in.user.username, form)
