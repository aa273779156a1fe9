"""The browser's rules for our pages: own files only, no inline script, no frames (reliability guide, promise 9); and how
much a form may send."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from workwire.access import run_time_settings, sessions
from workwire.kernel.errors import Unauthenticated
from workwire.kernel.json_bodies import LARGEST_BEFORE_LOGIN
from workwire.web.kit.page import COOKIE

LARGEST_FORM = 256 * 1024  # bytes
_WITH_A_FILE = re.compile(r"/work/[0-9a-f-]{36}/attach|/new/[0-9a-f-]{36}")
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that sets the policy on every answer that has none of its own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def small_forms(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that refuses a large body sent to a page before it is read, and one that is not small from a browser which
    is not signed in; the APIs have limits of their own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        written = request.headers.get("Content-Length", "")
        to_api = request.path_info.startswith("/api/") or "/webapi/" in request.path_info.lower()
        length = int(written) if written.isdecimal() and not to_api else 0
        if length > LARGEST_BEFORE_LOGIN and (length > _largest(request.path_info) or not _is_signed_in(request)):
            return HttpResponse("The form is larger than is read.", status=413, content_type="text/plain")
        return get_response(request)

    return middleware


def _largest(path: str) -> int:
    """How many bytes a page takes from who is signed in: a small form, beside a file where one is attached."""
    file = run_time_settings.value_of("largest_file_mb") * 1024 * 1024 if _WITH_A_FILE.fullmatch(path) else 0
    return LARGEST_FORM + int(file)


def _is_signed_in(request: HttpRequest) -> bool:
    try:
        sessions.session(request.COOKIES.get(COOKIE, ""), on_page=True)
    except Unauthenticated:
        return False
    return True
