"""What is answered when nobody caught an error: 503 and when to try again while the database cannot work, otherwise 500."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error

from workwire.kernel.errors import AWAY_FOR, DATABASE_AWAY


def failed(request: HttpRequest) -> HttpResponse:
    """The answer of pages, called while the error is being handled."""
    if not isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return server_error(request)
    headers = {"Retry-After": str(AWAY_FOR)}
    return HttpResponse(DATABASE_AWAY, status=503, content_type="text/plain; charset=utf-8", headers=headers)
