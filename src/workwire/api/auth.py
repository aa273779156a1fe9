"""Bearer tokens; the actor of a request."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from workwire.access import features, sessions
from workwire.access.policy import require
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Unauthenticated


class Bearer(HttpBearer):
    """`Authorization: Bearer <token>`; the actor becomes `request.auth`."""

    def authenticate(self, _request: HttpRequest, token: str) -> Actor | None:
        """The actor of a valid token, None otherwise."""
        try:
            return sessions.authenticate(token, idle=timedelta(minutes=settings.CONFIG.token_idle_minutes))
        except Unauthenticated:
            return None


def builder(request: HttpRequest) -> Actor:
    """The actor, who must hold the feature Process Builder."""
    by = actor(request)
    require(by, features.PROCESS_BUILDER)
    return by


def actor(request: HttpRequest) -> Actor:
    """The actor of an authenticated request."""
    return cast("Actor", request.auth)  # type: ignore[attr-defined]  # set by ninja after authentication
