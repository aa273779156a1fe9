"""Calls to our own addresses on this machine, which never go through a proxy, whatever the environment says."""

from __future__ import annotations

import urllib.request
from http.client import HTTPResponse
from typing import cast

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(request: urllib.request.Request | str, *, timeout: float) -> HTTPResponse:
    """Call one of our own URLs; raises urllib.error.URLError or OSError."""
    return cast("HTTPResponse", _opener.open(request, timeout=timeout))
