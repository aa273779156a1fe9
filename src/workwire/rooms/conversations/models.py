"""The table of communications."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock, ids


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


class Communication(models.Model):
    """One thing said about a work item. `sender_address`, `recipients` and `copies` are mail addresses as written."""

    guid = models.UUIDField(unique=True, default=ids.new_guid, editable=False)
    work_item = models.ForeignKey("work.WorkItem", on_delete=models.CASCADE, related_name="communications")
    kind = models.IntegerField(choices=CommunicationType.choices)
    sender = models.ForeignKey("access.User", null=True, on_delete=models.PROTECT, related_name="+")
    sender_address = models.CharField(max_length=320, blank=True)
    recipients = models.TextField(blank=True)
    copies = models.TextField(blank=True)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)
    attachment_count = models.PositiveIntegerField(default=0)
    is_resolution = models.BooleanField(default=False)
    is_system_generated = models.BooleanField(default=False)
    logged_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["work_item", "-id"], name="communication_of_item")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.guid}"
