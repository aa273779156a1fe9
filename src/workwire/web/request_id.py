"""A name for every request: in its answer, in what is logged meanwhile, and in problem documents."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from workwire.kernel import logs

HEADER = "X-Request-Id"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


def named_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that takes over the id a proxy gave, where it is plain, or makes one, and sends it back."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        name = given if _PLAIN.match(given) else secrets.token_hex(8)
        logs.name_request(name)
        response = get_response(request)
        response.headers[HEADER] = name
        return response

    return middleware
