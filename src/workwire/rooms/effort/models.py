"""Tables of time sessions and their corrections."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids


class TimeSession(models.Model):
    """Time of an account at a work item. `counted_seconds` were counted until it last paused; since `running_since` it
    counts on. `forgotten` says that it ended because it ran for too long; `category` is the ticket's when it began."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    category = models.ForeignKey("catalogue.TicketCategory", null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=clock.now)
    counted_seconds = models.PositiveIntegerField(default=0)
    running_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    forgotten = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], name="one_running_session", condition=Q(running_since__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["work_item", "account"], name="one_open_session_of_item", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="ended_session_stands_still", condition=Q(ended_at=None) | Q(running_since=None)
            ),
        ]
        indexes = [
            models.Index(fields=["work_item", "-id"], name="time_session_of_item"),
            models.Index(fields=["account", "-id"], name="time_session_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} at {self.work_item}"


class TimeCorrection(models.Model):
    """What somebody says the time of a session was, when `counted_seconds` had been counted."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    session = models.ForeignKey(TimeSession, on_delete=models.CASCADE, related_name="corrections", db_index=False)
    seconds = models.PositiveIntegerField()
    counted_seconds = models.PositiveIntegerField()
    corrected_by = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["session", "-id"], name="correction_of_session")]

    def __str__(self) -> str:
        return f"{self.seconds} seconds of {self.session}"


class ExpectedTime(models.Model):
    """How long a work item is expected to take, in minutes, where that is not what its process gives: set `by_hand`, or the
    total of a case that its parts have raised (which holds as long as the case has `record_count` records)."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.OneToOneField("work.WorkItem", on_delete=models.CASCADE, related_name="+")
    minutes = models.PositiveIntegerField()
    by_hand = models.BooleanField(default=True)
    record_count = models.PositiveIntegerField(default=1)
    set_by = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.minutes} minutes for {self.work_item}"
