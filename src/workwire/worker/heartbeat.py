"""The sign of life a worker gives now and then, with a report of what it sees."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from workwire.reactions.webhooks.models import Worker
from workwire.reactions.webhooks.workers import DEAD_AFTER, alive

__all__ = ["DEAD_AFTER", "EVERY", "alive", "beat", "leave"]

EVERY = timedelta(seconds=5)


def beat(worker: UUID, now: datetime, report: dict[str, Any] | None = None) -> None:
    """Write a sign of life with a report, and forget workers that have been silent for a day."""
    told = {"seen_at": now, "report": report}
    Worker.objects.update_or_create(
        guid=worker,
        defaults=told,
        create_defaults=told | {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now},
    )
    Worker.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def leave(worker: UUID) -> None:
    """Say goodbye after a clean stop."""
    Worker.objects.filter(guid=worker).delete()
