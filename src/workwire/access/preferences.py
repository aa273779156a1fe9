"""What an account prefers, and what counts when it prefers nothing.

An empty preference is no choice. For language and time zone this order holds everywhere: the account's choice, what the
request says (Accept-Language; the zone that the browser tells), the installation's.
"""

from __future__ import annotations

from functools import cache
from typing import TypedDict
from zoneinfo import available_timezones

from django.conf import settings
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header

from workwire.access.run_time_settings import NO_PLACES, value_of
from workwire.kernel.actor import Actor

THEMES = ("system", "light", "dark")
DENSITIES = ("compact", "comfortable")


class Preferences(TypedDict, total=False):
    """What an account may choose; an empty text takes a choice back. The `short_code` is that of the custom data field which a
    search without one means."""

    language: str
    time_zone: str
    theme: str
    density: str
    short_code: str


def language_of(actor: Actor | None, asked: str = "") -> str:
    """The language to speak to an actor, or to nobody; `asked` is an Accept-Language header."""
    if actor is not None and actor.language in languages():
        return actor.language
    for code, _quality in parse_accept_lang_header(asked[:1000]):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return str(value_of("default_language"))


def zone_of(actor: Actor | None, told: str = "") -> str:
    """The name of the time zone to show moments in to an actor, or to nobody; `told` is what the browser says."""
    chosen = actor.time_zone if actor is not None else ""
    return next((zone for zone in (chosen, told) if is_zone(zone)), str(value_of("default_time_zone")))


def languages() -> dict[str, str]:
    """The languages there are, by code, each with its own name for itself."""
    return dict(settings.LANGUAGES)


@cache
def zones() -> frozenset[str]:
    """The names of all time zones (IANA)."""
    return frozenset(available_timezones()) - NO_PLACES  # read from the disk


def is_zone(name: str) -> bool:
    """Whether there is a time zone of a name."""
    return len(name) < 64 and name in zones()
