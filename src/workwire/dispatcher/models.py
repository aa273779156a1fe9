"""The table of living dispatchers."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids


class Worker(models.Model):
    """A dispatcher process and when it was last seen alive."""

    guid = models.UUIDField(primary_key=True, default=ids.new_guid)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
