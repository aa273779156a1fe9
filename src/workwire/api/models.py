"""The table of requests that must not be carried out twice."""

from __future__ import annotations

from django.db import models

from workwire.kernel import clock


class IdempotentRequest(models.Model):
    """An `Idempotency-Key` an account used, what it asked and what was answered; kept for a day."""

    account = models.ForeignKey("access.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
