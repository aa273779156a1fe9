"""The listener that takes finished work items off focus lists, and closed ones from their followers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from workwire.kernel.actor import SYSTEM
from workwire.outbox.listeners import Listener
from workwire.outbox.models import Event
from workwire.rooms.following import commands
from workwire.rooms.work.models import Status, WorkItem

_FINISHED = re.compile(rf'"status":({Status.RESOLVED:d}|{Status.CLOSED:d})\b')  # texts in JSON have no bare quotes


def narrowed(event: Event) -> bool:
    """Leave out all changes of work items that cannot have finished one."""
    return _FINISHED.search(event.changes or "") is not None


def drop(events: Sequence[Event], _now: datetime) -> None:
    """Take what has finished off focus lists, and what is closed from its followers. An item that was reopened meanwhile
    keeps both."""
    finished = {event.record_guid: event for event in events}  # the last event of each
    for item in WorkItem.objects.filter(guid__in=finished).order_by("pk"):
        commands.end_focus(item, until=finished[item.guid].occurred_at, by=SYSTEM)
        if item.status == Status.CLOSED:
            commands.end_following(item, by=SYSTEM)


LISTENER = Listener("following", frozenset({"WorkItemUpdated"}), drop, narrowed=narrowed)
