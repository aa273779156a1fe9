"""Reading the feed of a listener, in a lane of its own: woken by the bell, and by itself now and then."""

from __future__ import annotations

import time

from django.db import connection

from workwire.kernel import clock
from workwire.outbox import listener_feed
from workwire.outbox.listeners import Listener

POLL = 5.0  # seconds between looks when the bell is silent
SHARE_LEFT = (
    0.5  # times as long as a batch took, until the next one, on the embedded database, whose writers take turns
)


def turn(listener: Listener) -> float:
    """Do a piece of work for a listener; returns in how many seconds there may be more."""
    begun = time.monotonic()
    if not listener_feed.turn(listener, clock.now()):
        return POLL
    return 0.0 if connection.vendor == "postgresql" else SHARE_LEFT * (time.monotonic() - begun)
