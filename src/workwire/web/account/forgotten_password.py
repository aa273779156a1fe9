"""A forgotten password: asking for a link, and the page that the link leads to."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import usable_links
from workwire.access.commands import password_links
from workwire.kernel.errors import Invalid
from workwire.web.account.new_passwords import NewPasswordForm
from workwire.web.kit.page import FORM, See, Visit, page

LONGEST_NAME = 254


class AskForm(forms.Form):
    """Whose password it is."""

    called = forms.CharField(
        label=gettext_lazy("User name or mail address"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )


class LinkForm(NewPasswordForm):
    """A new password, and the link that allows it."""

    link = forms.CharField(widget=forms.HiddenInput, max_length=100)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The form, whether links are mailed at all, and whether one was asked for."""

    form: forms.Form
    are_mailed: bool
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class NewPassword:
    """The form for the account of a link; no form where the link does not work."""

    username: str
    form: forms.Form | None


@page("account/forgotten.html", methods=FORM, public=True)
def forgotten_password(visit: Visit) -> Forgotten | See:
    """Ask for a link; the answer is the same whether there is such an account or not."""
    form, are_mailed = visit.form(AskForm), usable_links.are_mailed()
    if visit.is_sent and are_mailed and form.is_valid():
        with visit.refusals(form):
            password_links.ask_for_link(form.cleaned_data["called"], address=visit.client)
            return See(f"{reverse('forgotten-password')}?asked=1")
    return Forgotten(form, are_mailed, is_asked=visit.request.GET.get("asked") == "1" and not visit.is_sent)


@page("account/new_password.html", methods=FORM, public=True, secret=True)
def new_password(visit: Visit) -> NewPassword | See:
    """Set the password of the account that a link is for; looking at the page uses nothing up."""
    token = (visit.request.POST if visit.is_sent else visit.request.GET).get("link", "")
    try:
        username = usable_links.link(token).user.username
    except Invalid as error:
        visit.refuse(error)
        return NewPassword("", None)
    form = visit.form(LinkForm, link=token)
    if visit.is_sent and form.is_valid():
        with visit.refusals(form):
            password_links.use_link(token, form.cleaned_data["password"], address=visit.client)
            visit.tell(_("Your password is changed. Sign in with it."))
            return See(reverse("sign-in"))
    return NewPassword(username, form)
