"""What time alone changes: waiting work items whose moment has come, resolved ones whose feedback window has passed, and
old secrets that are about to expire."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import Conflict, NotFound
from workwire.reactions.webhooks.rotation import remind_of_secrets
from workwire.rooms.work import commands, queries

logger = logging.getLogger(__name__)
BATCH = 100


def turn(now: datetime) -> int:
    """Move up to a batch of each kind, every item in a transaction of its own; returns how many were moved."""
    moved = _move(queries.waits_over(now), commands.date_reached)
    moved += _move(queries.windows_over(now), commands.close_window)
    return moved + remind_of_secrets(now)


def _move(due: QuerySet[queries.WorkItem], command: Callable[..., object]) -> int:
    moved = 0
    for item in due[:BATCH]:
        try:
            command(item, by=SYSTEM)
            moved += 1
        except (Conflict, NotFound):
            logger.info("%s was moved by somebody else meanwhile", item)
    return moved
