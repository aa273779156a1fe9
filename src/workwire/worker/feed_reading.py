"""Reading the feed of a listener, in a lane of its own: woken by the bell, and by itself now and then."""

from __future__ import annotations

import time

from django.db import connection

from workwire.kernel import clock
from workwire.outbox import listener_feed
from workwire.outbox.listeners import Listener

POLL = 5.0  # seconds between looks when the bell is silent
# On the embedded database, whose writers take turns:
SHARE_LEFT = 3.0  # times as long as a batch took, until the next one
GATHERED = 0.2  # seconds in which events gather after a batch that was not full: each batch holds up others
LONGEST_LEFT = 1.0  # seconds


def turn(listener: Listener) -> float:
    """Do a piece of work for a listener; returns in how many seconds there may be more."""
    begun = time.monotonic()
    told = listener_feed.turn(listener, clock.now())
    if not told:
        return POLL
    if connection.vendor == "postgresql":
        return 0.0
    pause = SHARE_LEFT * (time.monotonic() - begun)
    if told < listener.batch:
        pause = max(GATHERED, pause)
    time.sleep(min(LONGEST_LEFT, pause))  # which the bell does not cut short
    return 0.0
