"""Bearer tokens; the actor of a request."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django.utils import translation
from ninja.security import HttpBearer

from workwire.access import features, sessions
from workwire.access.policy import require
from workwire.access.preferences import language_of
from workwire.kernel import body_account
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Unauthenticated


class Bearer(HttpBearer):
    """`Authorization: Bearer <token>`; the actor becomes `request.auth`."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """The actor of a valid token, whose language is spoken from here on; None otherwise."""
        try:
            found = sessions.authenticate(token, address=address_of(request))
        except Unauthenticated:
            return None
        body_account.note(request.META, found.user_id)
        translation.activate(language_of(found, request.headers.get("Accept-Language", "")))  # until `in_shape` ends
        return found


def address_of(request: HttpRequest) -> str:
    """The address a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))


def allowed(request: HttpRequest, feature: str) -> Actor:
    """The actor, who must hold a feature."""
    by = actor(request)
    require(by, feature)
    return by


def subscriber(request: HttpRequest) -> Actor:
    """The actor, who must hold the feature *webhooks*."""
    return allowed(request, features.WEBHOOKS)


def actor(request: HttpRequest) -> Actor:
    """The actor of an authenticated request."""
    return cast("Actor", request.auth)  # type: ignore[attr-defined]  # set by ninja after authentication
