"""Bodies as this API reads them: bounded before they are parsed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from workwire.kernel import json_bodies


class BoundedParser(Parser):
    """Reads JSON within the bounds of all bodies."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The value of the body."""
        return json_bodies.parse(request.body, request.held)  # type: ignore[attr-defined]  # set by `errors.in_shape`


def check_size(request: HttpRequest) -> None:
    """Raise TooLarge for a body larger than is read from this caller, who has shown a token or not."""
    if not hasattr(request, "auth"):
        most = json_bodies.LARGEST_BEFORE_LOGIN
    elif request.content_type == "multipart/form-data":
        return  # an upload, which says itself how large a file may be
    else:
        most = json_bodies.LARGEST
    json_bodies.check_size(request.headers.get("Content-Length", ""), most=most)
