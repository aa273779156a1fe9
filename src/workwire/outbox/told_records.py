"""What the body of an event says of its record: a reference and a title, by which people know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workwire.kernel import addresses

_NAMES = ("Title", "Subject", "Name", "FullName", "Username", "Kind")  # keys that name a record


class Told(NamedTuple):
    """The record of an event as of then, its reference and title empty where it had none, and the epoch of the event."""

    reference: str
    title: str
    epoch: int


def told_by(body: Mapping[str, Any]) -> Told:
    """What a body says. A subscription is called by its endpoint: the path of its URL may hold a secret."""
    url = body.get("SubscriberURL")
    title = addresses.origin_of(url) or "" if url else next((str(body[key]) for key in _NAMES if body.get(key)), "")
    return Told(body.get("Reference") or "", title, body.get("Epoch", 1))
