"""The table of communications."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workwire.kernel import clock, ids

MAIL = "conversations.mail"  # a kind of job


class CommunicationType(models.IntegerChoices):
    """The kinds of communication (documented numbers)."""

    EMAIL_OUTGOING = 0, "EmailOutgoing"
    PHONE_INCOMING = 1, "PhoneIncoming"
    EMAIL_INCOMING = 2, "EmailIncoming"
    SELF_SERVICE_COMMENT = 3, "ESSComment"
    AUDIT_NOTE = 4, "AuditNote"
    PHONE_OUTGOING = 5, "PhoneOutgoing"
    LETTER_INCOMING = 6, "LetterIncoming"
    LETTER_OUTGOING = 7, "LetterOutgoing"


class Importance(models.IntegerChoices):
    """How important the sender says it is (documented numbers)."""

    NORMAL = 0, "Normal"
    LOW = 1, "Low"
    HIGH = 2, "High"


class SendStatus(models.IntegerChoices):
    """How far a mail that goes out has come (documented names)."""

    QUEUED = 0, "Queued"
    SENT = 1, "Sent"
    PENDING_RETRY = 2, "PendingRetry"
    FAILED = 3, "Failed"
    CANCELLED = 4, "Cancelled"
    CONNECTOR_DISABLED = 5, "ConnectorDisabled"


class Communication(models.Model):
    """One thing said about a work item. `sender_address`, `recipients`, `copies` and `blind_copies` are mail addresses as
    written, separated by ``; ``. Only mail that goes out has a `send_status`."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="communications")
    kind = models.IntegerField(choices=CommunicationType.choices)
    sender = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    sender_address = models.CharField(max_length=320, blank=True)
    recipients = models.TextField(blank=True)
    copies = models.TextField(blank=True)
    blind_copies = models.TextField(blank=True)
    importance = models.IntegerField(choices=Importance.choices, default=Importance.NORMAL)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)
    attachment_count = models.PositiveIntegerField(default=0)
    is_resolution = models.BooleanField(default=False)
    is_system_generated = models.BooleanField(default=False)
    logged_at = models.DateTimeField(default=clock.now)
    send_status = models.IntegerField(choices=SendStatus.choices, null=True)
    send_attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_on = models.DateTimeField(null=True)
    send_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["work_item", "-id"], name="communication_of_item"),
            models.Index(
                fields=["next_attempt_at"], name="communication_to_send", condition=Q(next_attempt_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.guid}"


class Attachment(models.Model):
    """A file of the work item that came or went with a communication."""

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, related_name="attachments")
    file = models.ForeignKey("files.ItemFile", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["communication", "file"], name="attachment_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.file}"
