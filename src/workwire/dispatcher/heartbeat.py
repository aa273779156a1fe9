"""Which dispatchers are alive: each writes a sign of life now and then; others ask for it."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from uuid import UUID

from workwire.dispatcher.models import Worker

EVERY = timedelta(seconds=5)
DEAD_AFTER = timedelta(seconds=30)


def beat(worker: UUID, now: datetime) -> None:
    """Write a sign of life, and forget dispatchers that have been silent for a day."""
    Worker.objects.update_or_create(
        guid=worker,
        defaults={"seen_at": now},
        create_defaults={"host": socket.gethostname(), "pid": os.getpid(), "started_at": now, "seen_at": now},
    )
    Worker.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def leave(worker: UUID) -> None:
    """Say goodbye after a clean stop."""
    Worker.objects.filter(guid=worker).delete()


def alive(now: datetime) -> int:
    """How many dispatchers gave a sign of life lately."""
    return Worker.objects.filter(seen_at__gt=now - DEAD_AFTER).count()
