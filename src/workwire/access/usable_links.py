"""Password links that work, as doors and mails need them: which account one is for, and where it leads."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings

from workwire.access import guessing
from workwire.access.models import PasswordLink
from workwire.kernel import clock, crypto
from workwire.kernel.errors import Invalid


def are_mailed() -> bool:
    """Whether links can be mailed: there is a mail server, and an address that they lead to."""
    return bool(settings.CONFIG.smtp_url and settings.CONFIG.public_url)


def path_of(token: str) -> str:
    """The path of the page that a link leads to, with its token."""
    return f"/new-password?{urlencode({'link': token})}"


def address_of(token: str, *, otherwise: str = "") -> str:
    """Where a link leads, with its token: at the address of the installation or, where it does not know its own, at the one
    that the door was asked at; a path without either."""
    return (settings.CONFIG.public_url or otherwise).rstrip("/") + path_of(token)


def link(token: str) -> PasswordLink:
    """A link that works, with its account; raises Invalid."""
    found = PasswordLink.objects.select_related("user").filter(
        digest=crypto.digest(guessing.storable(token)), expires_at__gt=clock.now(), user__is_active=True
    )
    if (living := found.first()) is None:
        raise Invalid("link_invalid")
    return living
