"""How a reader wants to see pages: theme, density, language and time zone, as far as the browser says.

The theme and the density are chosen on the page and kept in a cookie; the time zone is told by the browser in another one.
Whatever a cookie holds, only known values count.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation

COOKIE = "workwire_look"
ZONE_COOKIE = "workwire_zone"
THEMES = ("system", "light", "dark")
DENSITIES = ("compact", "comfortable")
_YEAR = 365 * 24 * 60 * 60
_STANDARD_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Look:
    """What a page is rendered for."""

    theme: str = THEMES[0]
    density: str = DENSITIES[0]
    language: str = "en"
    zone_name: str = _STANDARD_ZONE

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


def look_of(request: HttpRequest) -> Look:
    """The look a request asks for."""
    theme, _, density = request.COOKIES.get(COOKIE, "").partition(".")
    zone = request.COOKIES.get(ZONE_COOKIE, "").replace("%2F", "/")
    standard = Look(
        language=translation.get_language_from_request(request),
        zone_name=zone if _is_zone(zone) else _STANDARD_ZONE,
    )
    return standard.chosen(theme=theme, density=density)


@contextmanager
def speaking(look: Look) -> Iterator[None]:
    """Words, numbers and moments are those of a reader while inside."""
    with translation.override(look.language), timezone.override(look.zone):
        yield


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # read from the disk


def _is_zone(name: str) -> bool:
    return len(name) < 64 and name in _zones()
