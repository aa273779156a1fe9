"""Logging in and out, and OAuth tokens for application credentials."""

from __future__ import annotations

import base64
import binascii
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt

from workwire.access import run_time_settings, sessions
from workwire.kernel import json_bodies
from workwire.kernel.errors import DomainError, Forbidden, Limited, TooLarge, Unauthenticated
from workwire.webapi.calls import COOKIE, Call, Malformed, address_of, from_our_pages, read_body, read_query
from workwire.webapi.operations import is_ours, method_not_allowed, no_operation, operation
from workwire.webapi.record_bodies import respond
from workwire.webapi.refusals import refusal


@csrf_exempt  # it establishes a session and needs none
def log_in(request: HttpRequest, instance: str = "") -> HttpResponse:
    """`Authentication/Login`: the token as a JSON string, or 204 and a cookie with `useCookie=true`."""
    if not is_ours(instance):
        return no_operation()
    if request.method != "POST":
        return method_not_allowed("POST")
    try:
        query = read_query(request)
        with ExitStack() as held:
            body, _ = read_body(request, held, most=json_bodies.LARGEST_BEFORE_LOGIN)
        wants_cookie = query.get("usecookie", "false").lower() in ("true", "1")
        if wants_cookie and not from_our_pages(request):  # nobody is logged in as somebody else by another site
            raise Forbidden("cookie_refused")
        username, password = body.get("username"), body.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            raise Malformed("credentials_missing.webapi", field="Username")
        browser = request.headers.get("User-Agent", "")
        token = sessions.log_in(username, password, address=address_of(request), browser=browser)
    except DomainError as error:
        return refusal(error, "packet")
    if not wants_cookie:
        return _not_kept(respond(token))
    response = _not_kept(HttpResponse(status=204))
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=settings.CONFIG.secure_cookies)
    return response


@operation("Authentication/Logout", "POST")
def log_out(call: Call) -> None:
    """Log out: end the token."""
    sessions.log_out(call.token, address=call.address)


@csrf_exempt  # client credentials are no ambient authority
def token(request: HttpRequest, instance: str = "") -> HttpResponse:
    """`Auth/OAuth/Token`: client credentials to a bearer token (RFC 6749, sections 4.4 and 5)."""
    if not is_ours(instance):
        return no_operation()
    if request.method != "POST":
        return method_not_allowed("POST")
    try:
        json_bodies.check_size(request.headers.get("Content-Length", ""), most=json_bodies.LARGEST_BEFORE_LOGIN)
        form = request.POST
    except MultiPartParserError:
        return _oauth({"error": "invalid_request", "error_description": "The form cannot be read."}, 400)
    except (TooLarge, TooManyFieldsSent):
        return _oauth({"error": "invalid_request", "error_description": "The request is larger than is read."}, 413)
    if form.get("grant_type") != "client_credentials":
        code = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        return _oauth({"error": code, "error_description": "grant_type must be client_credentials."}, 400)
    by_header = "Authorization" in request.headers
    client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id or not secret:
        return _oauth(
            {"error": "invalid_client", "error_description": "client_id and client_secret are needed."}, 401, by_header
        )
    try:
        given = sessions.exchange_secret(client_id, secret, address=address_of(request))
    except Unauthenticated as error:
        return _oauth({"error": "invalid_client", "error_description": error.sentence()}, 401, by_header)
    except Limited as error:
        response = _oauth({"error": "slow_down", "error_description": error.sentence()}, 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    idle = int(run_time_settings.token_idle().total_seconds())
    return _oauth({"access_token": given, "token_type": "Bearer", "expires_in": idle}, 200)


def _oauth(content: dict[str, Any], status: int, by_header: bool = False) -> HttpResponse:
    """An answer of the token endpoint; a client that tried the header is told of it (RFC 6749, section 5.2)."""
    response = _not_kept(respond(content, status=status))
    if status != 200:
        response.headers["Reason"] = str(content["error_description"])
    if status == 401 and by_header:
        response.headers["WWW-Authenticate"] = 'Basic realm="Workwire"'
    return response


def _basic(request: HttpRequest) -> tuple[str, str] | None:
    """Client id and secret from HTTP Basic authentication, None when there is none to read.

    They come form-encoded (RFC 6749, section 2.3.1), or plain from clients that do not know of it; ours hold nothing that the
    two write differently unless it was encoded.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(name), unquote_plus(secret)


def _not_kept(response: HttpResponse) -> HttpResponse:
    """An answer that no cache keeps, for it holds a token (RFC 6749, section 5.1)."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
