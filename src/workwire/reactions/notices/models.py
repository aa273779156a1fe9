"""Tables of notices."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workwire.kernel import ids


class Kind(models.TextChoices):
    """What a notice tells."""

    ASSIGNED = "assigned"
    COMMUNICATION = "communication"
    FILE_ADDED = "file_added"
    OVERDUE = "overdue"
    ATTENTION = "attention"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    ENDPOINT_FAILING = "endpoint_failing"
    SECRET_EXPIRING = "secret_expiring"  # noqa: S105 - no password
    CERTIFICATE_EXPIRING = "certificate_expiring"
    SUBSCRIPTION_HANDED_OVER = "subscription_handed_over"


class Reason(models.TextChoices):
    """Why this account is told."""

    ASSIGNEE = "assignee"
    OWNER = "owner"
    FOLLOWER = "follower"
    SUBSCRIBER = "subscriber"
    FORMER_SUBSCRIBER = "former_subscriber"


class Notice(models.Model):
    """One thing that happened, for one account. `parameters` are plain values that go with the kind."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    event = models.ForeignKey("outbox.Event", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)  # a Kind
    reason = models.CharField(max_length=30)  # a Reason
    parameters = models.JSONField(default=dict)
    work_item_guid = models.UUIDField(null=True)
    subscription_guid = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "account"], name="notice_once")]
        indexes = [
            models.Index(fields=["account", "-id"], name="notice_of_account"),
            models.Index(fields=["account", "-id"], name="notice_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["occurred_at"], name="notice_occurred_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for account {self.account_id}"


class UnwantedKind(models.Model):
    """A kind of notice that an account does without."""

    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)  # a Kind

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "kind"], name="unwanted_kind_once")]

    def __str__(self) -> str:
        return f"no {self.kind} for account {self.account_id}"
