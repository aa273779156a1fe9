"""Optimistic locking over HTTP: a record's version as its ETag, `If-Match` to insist on it (RFC 9110, 8.8.3, 13.1.1)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from workwire.kernel.errors import Conflict


def tag(response: HttpResponse, version: int) -> None:
    """Set the ETag."""
    response.headers["ETag"] = f'"{version}"'


def wanted(request: HttpRequest) -> int | None:
    """The version `If-Match` names, None when it is absent or `*`; raises Conflict for one that never was."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    number = given.strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Conflict("version_conflict.if_match")
    return int(number)
