"""The start page: that it runs, where to go, and what can be subscribed to."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from workwire import __version__
from workwire.access import features
from workwire.kernel.actor import Actor
from workwire.reactions.webhooks import catalogue
from workwire.web.kit.navigation import GROUPS
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Link


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the catalogue."""

    number: int
    name: str
    fires_when: str
    filters: str
    address: str


@dataclass(frozen=True, slots=True)
class Start:
    """What the start page shows; nothing of anybody's records. `places` are those the reader may go to beside the work."""

    version: str
    places: tuple[Link, ...]
    hooks: tuple[Hook, ...]


@page("home/start.html", public=True)
def start(visit: Visit) -> Start:
    """Show the start page; it needs no account."""
    actor = visit.session.actor if visit.session is not None else None
    may_read = actor is not None and actor.has(features.WEBHOOKS)
    return Start(
        __version__,
        _places(actor) if actor is not None else (),
        tuple(
            Hook(
                entry["number"],
                entry["name"],
                entry["fires_when"],
                ", ".join(one["type"] for one in entry["filters"]),
                reverse("webhook", args=[entry["name"]]) if may_read else "",
            )
            for entry in catalogue.entries()
        ),
    )


def _places(actor: Actor) -> tuple[Link, ...]:
    """Where the navigation leads beside the work, which stands by itself."""
    places = [place for group in GROUPS[1:] for place in group.places if place.may(actor)]
    return tuple(Link(place.words, place.address) for place in places)
