"""Signing in and out of the pages: a token in a cookie that scripts cannot read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from workwire.access import sessions
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Limited, Unauthenticated

P = ParamSpec("P")
COOKIE = "workwire_session"


def signed_in(view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that gets the actor of the cookie; without a valid one the browser is sent to sign in and comes back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        idle = timedelta(minutes=settings.CONFIG.token_idle_minutes)
        try:
            actor = sessions.authenticate(request.COOKIES.get(COOKIE, ""), idle=idle)
        except Unauthenticated:
            return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}")
        answer = view(request, actor, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer

    return guarded


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, and what it sends."""
    after = _own_page(request, request.POST.get("next") or request.GET.get("next", ""))
    shown = {"next": after, "username": "", "refusal": ""}
    if request.method != "POST":
        return render(request, "web/sign_in.html", shown)
    username, password = request.POST.get("username", ""), request.POST.get("password", "")
    try:
        address, most = str(request.META.get("REMOTE_ADDR", "")), settings.CONFIG.login_attempts
        token = sessions.log_in(username, password, address=address, most_failures=most)
    except (Unauthenticated, Limited) as error:
        status = 429 if isinstance(error, Limited) else 401
        return render(
            request, "web/sign_in.html", shown | {"username": username, "refusal": error.message}, status=status
        )
    sessions.log_out(request.COOKIES.get(COOKIE, ""))  # a browser holds one session, and none it had before
    rotate_token(request)
    answer = HttpResponseRedirect(after)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings.CONFIG.secure_cookies)
    return answer


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Give the token back."""
    sessions.log_out(request.COOKIES.get(COOKIE, ""))
    answer = HttpResponseRedirect(reverse("sign-in"))
    answer.delete_cookie(COOKIE)
    return answer


def _own_page(request: HttpRequest, wanted: str) -> str:
    """Where to go after signing in: a page of ours that was asked for, or the work."""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("work")
