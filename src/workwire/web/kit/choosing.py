"""Choosing the theme and the density."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse

from workwire.web.kit.page import Visit, page


@page("", methods=("POST",), public=True)
def choose_look(visit: Visit) -> HttpResponse:
    """Remember what was chosen and go back to the page it was chosen on."""
    sent = visit.request.POST
    chosen = visit.look.chosen(theme=sent.get("theme", ""), density=sent.get("density", ""))
    back = visit.own_address(sent.get("next", ""), reverse("start"))
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": back})
    chosen.keep(answer, secure=settings.CONFIG.secure_cookies)
    return answer
