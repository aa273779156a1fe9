"""The pages of one's own account beside each other."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from workwire.web.kit.parts import Link

_PAGES = (
    ("me", _("Preferences")),
    ("own-picture", _("Picture")),
    ("own-password", _("Password")),
    ("second-factor", _("Second factor")),
    ("own-sessions", _("Sessions")),
    ("own-credentials", _("Applications")),
)


def tabs(here: str) -> tuple[Link, ...]:
    """All of them, of which one is `here`."""
    return tuple(Link(words, reverse(name), name == here) for name, words in _PAGES)
