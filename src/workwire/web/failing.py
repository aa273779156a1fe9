"""What pages answer when a request reaches no view, a form is not believed, or nobody caught an error: 503 and when to try
again while something that is needed is away, otherwise 500. Who did not ask for HTML gets a line of text."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from workwire.kernel.errors import away
from workwire.web.kit.page import refused


def no_page(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """No page has this address."""
    return refused(request, HTTPStatus.NOT_FOUND, lambda: (_("Not found"), _("There is no such page.")))


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without the mark that says it is one of ours."""
    return refused(request, HTTPStatus.FORBIDDEN, _form_refused)


def _form_refused() -> tuple[str, str]:
    sentence = _(
        "The page it was on had been open for too long, somebody signed in or out meanwhile, or the browser keeps no "
        "cookies. Go back, load the page again, and send the form once more."
    )
    return _("This form was not accepted"), sentence


def failed(request: HttpRequest) -> HttpResponse:
    """The answer of pages, called while the error is being handled."""
    gone = away(sys.exception())
    status = HTTPStatus.INTERNAL_SERVER_ERROR if gone is None else HTTPStatus.SERVICE_UNAVAILABLE
    if "text/html" in request.headers.get("Accept", ""):
        answer = refused(request, status, _fault if gone is None else lambda: _away(gone.sentence()), asks_nothing=True)
    else:
        text = _fault()[1] if gone is None else gone.sentence()
        answer = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    if gone is not None:
        answer.headers["Retry-After"] = str(gone.retry_after)
    return answer


def _away(sentence: str) -> tuple[str, str]:
    return _("Not at the moment"), sentence


def _fault() -> tuple[str, str]:
    return _("Something is wrong here"), _("This is a fault of ours. It has been logged.")
