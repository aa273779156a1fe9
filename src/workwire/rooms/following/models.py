"""Tables of followers, focus lists and what was opened last."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids


class Follower(models.Model):
    """An account that follows a work item."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work_item", "account"], name="follower_once")]

    def __str__(self) -> str:
        return f"{self.account} follows {self.work_item}"


class FocusEntry(models.Model):
    """A work item on the focus list of an account; `place` counts from 1."""

    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "work_item"], name="focus_entry_once")]

    def __str__(self) -> str:
        return f"{self.work_item} in the focus of {self.account}"


class RecentItem(models.Model):
    """A work item that an account opened, and when it did so last."""

    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="+")
    opened_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "work_item"], name="recent_item_once")]

    def __str__(self) -> str:
        return f"{self.account} opened {self.work_item}"
