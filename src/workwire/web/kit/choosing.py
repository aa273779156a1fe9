"""Choosing the theme and the density."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse

from workwire.access import commands
from workwire.web.kit.page import Visit, page


@page("", methods=("POST",), public=True)
def choose_look(visit: Visit) -> HttpResponse:
    """Remember what was chosen, for the account and in the browser, and go back to the page it was chosen on."""
    sent = visit.request.POST
    chosen = visit.look.chosen(theme=sent.get("theme", ""), density=sent.get("density", ""))
    if visit.session is not None and chosen != visit.look:
        wanted = {name: getattr(chosen, name) for name in ("theme", "density") if name in sent}
        commands.set_preferences(visit.session.user, by=visit.actor, **wanted)
    back = visit.own_address(sent.get("next", ""), reverse("start"))
    answer = HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": back})
    chosen.keep(answer, secure=settings.CONFIG.secure_cookies)
    return answer
