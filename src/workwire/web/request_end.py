"""What becomes of a request that is answered: nothing of it stays.

Guarantee: body, files and form of a request are free when its answer is sent, without the collector, which rests in a process
that serves (``kernel.collector``). Upload handlers, templates and errors hold the request that holds them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, UnreadablePostError


class WholeRequests(logging.Filter):
    """Leaves out errors of requests whose clients were too slow, or left, before the body had come: no mistake of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        return not (record.exc_info and isinstance(record.exc_info[1], UnreadablePostError))


def free_when_answered(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that empties a request when its answer is closed, which cuts every ring it is part of."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        def free() -> None:
            request.close()
            request.__dict__.clear()

        response = get_response(request)
        response._resource_closers.append(free)  # type: ignore[attr-defined]  # Django's own way, without a public name
        return response

    return middleware
