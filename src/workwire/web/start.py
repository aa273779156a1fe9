"""The start page: that it runs, where to go, and what can be subscribed to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workwire import __version__
from workwire.reactions.webhooks import catalogue


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Show the start page; it tells nothing about anybody's records and needs no account."""
    return render(request, "web/start.html", {"version": __version__, "webhooks": catalogue.entries()})
