"""The answer to an error that nobody caught: 503 and when to try again while database or disk cannot work, otherwise 500."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error

from workwire.kernel.errors import away


def failed(request: HttpRequest) -> HttpResponse:
    """The answer of pages, called while the error is being handled."""
    gone = away(sys.exception())
    if gone is None:
        return server_error(request)
    headers = {"Retry-After": str(gone.retry_after)}
    return HttpResponse(gone.message, status=503, content_type="text/plain; charset=utf-8", headers=headers)
