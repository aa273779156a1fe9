"""A name for every request: in its answer, in what is logged meanwhile, and in problem documents."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from workwire.kernel import logs, spans

logger = logging.getLogger(__name__)
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
        begun = time.monotonic()
        response = traced(request, name)
        response.headers[HEADER] = name
        if logger.isEnabledFor(logging.DEBUG):
            took = (time.monotonic() - begun) * 1e3
            logger.debug("%s %s: %d after %.0f ms", request.method, request.path, response.status_code, took)
        return response

    def traced(request: HttpRequest, name: str) -> HttpResponseBase:
        tracer = spans.tracer
        if tracer is None:
            return get_response(request)
        with tracer.request(
            request.method or "", {key.lower(): value for key, value in request.headers.items()}, name
        ) as answered:
            response = get_response(request)
            match = request.resolver_match
            answered(response.status_code, match.route if match is not None else "")
        return response

    return middleware
