"""Which door answers which path, and what nobody caught there."""

from __future__ import annotations

import re
import sys

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path

from workwire.api import errors
from workwire.api.v1 import api
from workwire.api.v1 import not_found as no_resource
from workwire.web import failing
from workwire.webapi import refusals

_API = re.compile(r"/api/v1(?:/|\Z)")
_WEB_API = re.compile(r"/(?:[^/]+/)?webapi(?:/|\Z)", re.IGNORECASE)

urlpatterns = [
    path("api/v1/", api.urls),
    re_path(r"^api/v1(?:/[\s\S]*)?$", no_resource),
    path("", include("workwire.webapi.urls")),
    path("", include("workwire.web.urls")),
]


handler404 = failing.no_page


def handler500(request: HttpRequest) -> HttpResponse:
    """What is answered when nobody caught an error, in the shape of each door; Django has logged it."""
    if _API.match(request.path_info):
        return errors.failed(sys.exception())
    if _WEB_API.match(request.path_info):
        return refusals.failed(sys.exception())
    return failing.failed(request)
