"""Signing in and out of the pages: a token in a cookie that scripts cannot read."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from workwire.access import sessions
from workwire.access.commands.accounts import LONGEST_PASSWORD
from workwire.kernel.errors import Unauthenticated
from workwire.web.kit.page import COOKIE, FORM, Shown, Visit, page


class SignInForm(forms.Form):
    """Who signs in; names and passwords are taken as they were typed."""

    username = forms.CharField(
        label=_("User name"),
        strip=False,
        max_length=150,
        widget=forms.TextInput({"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


@dataclass(frozen=True, slots=True)
class SignIn:
    """The form, and where to go afterwards."""

    form: forms.Form
    after: str


class CodeForm(forms.Form):
    """A code of the app, or a recovery code, after the password."""

    proof = forms.CharField(widget=forms.HiddenInput, max_length=1000)
    code = forms.CharField(
        label=_("Code"),
        help_text=_("The six digits that your app shows, or a recovery code."),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The form of the code, and where to go afterwards."""

    form: forms.Form
    after: str


@page("home/sign_in.html", methods=FORM, public=True, secret=True)
def sign_in(visit: Visit) -> SignIn | Shown | HttpResponse:
    """The form, and what it sends."""
    request = visit.request
    after = visit.own_address(request.POST.get("next") or request.GET.get("next", ""), reverse("home"))
    form = visit.form(SignInForm)
    if visit.is_sent:
        username, password = request.POST.get("username", ""), request.POST.get("password", "")
        if form.is_valid() or (username and password):  # what no account can have is refused as any other
            with visit.refusals(form):
                return _signed_in(visit, username, password, after)
    return SignIn(form, after)


@page("", methods=("POST",), public=True)
def sign_out(visit: Visit) -> HttpResponse:
    """Give the token back."""
    sessions.log_out(visit.request.COOKIES.get(COOKIE, ""), address=visit.client)
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": reverse("sign-in")})
    answer.delete_cookie(COOKIE)
    return answer


def _signed_in(visit: Visit, username: str, password: str, after: str) -> HttpResponse | Shown:
    request = visit.request
    if len(password) > LONGEST_PASSWORD:
        raise Unauthenticated("login_failed")
    browser = request.headers.get("User-Agent", "")
    step = sessions.begin_in_steps(username, password, address=visit.client, browser=browser)
    if step.proof:
        visit.status = HTTPStatus.ACCEPTED
        return Shown("home/second_step.html", SecondStep(CodeForm(initial={"proof": step.proof}), after))
    return _entered(visit, step.token, after)


@page("home/second_step.html", methods=("POST",), public=True, secret=True)
def second_step(visit: Visit) -> SecondStep | HttpResponse:
    """Take the code of a second factor, after the password."""
    after = visit.own_address(visit.request.POST.get("next", ""), reverse("home"))
    form = visit.form(CodeForm)
    if form.is_valid():
        with visit.refusals(form):
            token = sessions.end_in_steps(
                form.cleaned_data["proof"],
                form.cleaned_data["code"],
                address=visit.client,
                browser=visit.request.headers.get("User-Agent", ""),
            )
            return _entered(visit, token, after)
    return SecondStep(form, after)


def _entered(visit: Visit, token: str, after: str) -> HttpResponse:
    request = visit.request
    old = request.COOKIES.get(COOKIE, "")
    sessions.log_out(old, address=visit.client)  # a browser holds one session, and none it had before
    rotate_token(request)
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": after})
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings.CONFIG.secure_cookies)
    return answer
