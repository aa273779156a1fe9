"""The sign of life a dispatcher gives now and then, with a report of what it sees."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from workwire.reactions.webhooks.dispatchers import DEAD_AFTER, alive
from workwire.reactions.webhooks.models import Dispatcher

__all__ = ["DEAD_AFTER", "EVERY", "alive", "beat", "leave"]

EVERY = timedelta(seconds=5)


def beat(dispatcher: UUID, now: datetime, report: dict[str, Any] | None = None) -> None:
    """Write a sign of life with a report, and forget dispatchers that have been silent for a day."""
    told = {"seen_at": now, "report": report}
    Dispatcher.objects.update_or_create(
        guid=dispatcher,
        defaults=told,
        create_defaults=told | {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now},
    )
    Dispatcher.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def leave(dispatcher: UUID) -> None:
    """Say goodbye after a clean stop."""
    Dispatcher.objects.filter(guid=dispatcher).delete()
