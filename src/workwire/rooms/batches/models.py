"""Tables of batches and their rows."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids


class BatchKind(models.TextChoices):
    """What is done to the items."""

    ASSIGN = "assign"
    CREATE = "create"


class BatchState(models.TextChoices):
    """Where a batch stands: checked and not started, being done, or ended."""

    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RowState(models.TextChoices):
    """Where a row stands: not done yet, done, or not done for the reasons given."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class Batch(models.Model):
    """Many items to be given to somebody or created. `assignee` null unassigns; `told` is what is to be said of a sheet as a
    whole; `waiting`, `done` and `refused` count the rows."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    kind = models.CharField(max_length=10, choices=BatchKind.choices)
    state = models.CharField(max_length=10, choices=BatchState.choices)
    account = models.ForeignKey("access.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    credential = models.ForeignKey("access.Credential", null=True, on_delete=models.PROTECT, related_name="+")
    assignee = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    told = models.JSONField(default=list)
    waiting = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    job = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="batch_of_account"),
            models.Index(fields=["created_at"], name="batch_created"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.guid}"


class BatchRow(models.Model):
    """One item of a batch. `number` is its place, of a sheet the line there; rows are kept in falling order. `wish` is what to
    create the item with, `issues` why it was not done, as codes with parameters."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=RowState.choices, default=RowState.WAITING)
    title = models.TextField(blank=True)
    work_item = models.ForeignKey("work.WorkItem", null=True, on_delete=models.CASCADE, related_name="+")
    wish = models.JSONField(default=dict)
    issues = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batch_row_once")]
        indexes = [models.Index(fields=["batch", "state", "id"], name="batch_row_state")]

    def __str__(self) -> str:
        return f"row {self.number} of {self.batch}"
