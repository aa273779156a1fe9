"""Tables of what is done later."""

from __future__ import annotations

from django.db import models


class Timer(models.Model):
    """A moment at which a record is to be moved. `ready_at` is when it may be claimed: `due_at`, moved on by the lease of a
    claim and by the pause after a failure."""

    kind = models.CharField(max_length=40)
    subject = models.UUIDField()  # the GUID of the record
    due_at = models.DateTimeField()
    ready_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="timer_once")]
        indexes = [models.Index(fields=["ready_at", "id"], name="timer_ready")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} at {self.due_at}"
