"""The start page: that it runs, where to go, and what can be subscribed to."""

from __future__ import annotations

from dataclasses import dataclass

from workwire import __version__
from workwire.reactions.webhooks import catalogue
from workwire.web.kit.page import Visit, page


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the catalogue."""

    number: int
    name: str
    fires_when: str
    filters: str


@dataclass(frozen=True, slots=True)
class Start:
    """What the start page shows; nothing of anybody's records."""

    version: str
    hooks: tuple[Hook, ...]


@page("home/start.html", public=True)
def start(_visit: Visit) -> Start:
    """Show the start page; it needs no account."""
    return Start(
        __version__,
        tuple(
            Hook(
                entry["number"], entry["name"], entry["fires_when"], ", ".join(one["type"] for one in entry["filters"])
            )
            for entry in catalogue.entries()
        ),
    )
