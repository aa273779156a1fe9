"""How a reader wants to see pages: theme, density, language and time zone.

What the account chose counts before what the browser says. The theme and the density are chosen on the page and kept in a
cookie, for who is not signed in; the time zone is told by the browser in another one. Whatever a cookie holds, only known
values count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation

from workwire.access.preferences import DENSITIES, THEMES, language_of, zone_of
from workwire.access.sessions import Session

COOKIE = "workwire_look"
ZONE_COOKIE = "workwire_zone"
_YEAR = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Look:
    """What a page is rendered for."""

    theme: str = THEMES[0]
    density: str = DENSITIES[0]
    language: str = "en"
    zone_name: str = "UTC"

    @property
    def zone(self) -> tzinfo:
        """The time zone in which moments are shown."""
        return ZoneInfo(self.zone_name)

    def chosen(self, *, theme: str = "", density: str = "") -> Look:
        """The look with another theme or density; unknown ones change nothing."""
        theme = theme if theme in THEMES else self.theme
        density = density if density in DENSITIES else self.density
        return replace(self, theme=theme, density=density)

    def keep(self, answer: HttpResponseBase, *, secure: bool) -> None:
        """Let the browser remember theme and density."""
        kept = f"{self.theme}.{self.density}"
        answer.set_cookie(COOKIE, kept, max_age=_YEAR, samesite="Lax", httponly=True, secure=secure)


def look_of(request: HttpRequest, session: Session | None) -> Look:
    """The look for a request of who is signed in, or of nobody."""
    actor = session.actor if session is not None else None
    told = request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/")
    theme, _, density = request.COOKIES.get(COOKIE, "").partition(".")
    look = Look(
        language=language_of(actor, request.headers.get("accept-language", "")), zone_name=zone_of(actor, told)
    ).chosen(theme=theme, density=density)
    return look.chosen(theme=session.user.theme, density=session.user.density) if session is not None else look


@contextmanager
def speaking(look: Look) -> Iterator[None]:
    """Write words, numbers and moments as a reader wants them while inside."""
    with translation.override(look.language), timezone.override(look.zone):
        yield
