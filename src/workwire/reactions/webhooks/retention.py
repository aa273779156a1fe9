"""Retention: the log is kept for a set time, the ledger for good (specification: webhooks, section 6)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import commands, events, sql
from workwire.reactions.webhooks.models import Delivery, Subscription

BATCH = 1_000


def remove_old(before: datetime, *, limit: int = BATCH) -> int:
    """Remove one small batch of the oldest deliveries written before a moment, with their attempts; returns how many.

    What still waits by then, because its subscription is paused, leaves the queue with it, and the ledger says how much.
    """
    with transaction.atomic():
        oldest = Delivery.objects.filter(created_at__lt=before).order_by("created_at")
        batch = sql.numbers(oldest.values_list("pk", flat=True)[:limit])
        waiting = sql.rows(
            f"DELETE FROM webhooks_queued WHERE {sql.any_of('delivery_id')} RETURNING subscription_id", batch
        )
        expired = [row[0] for row in waiting]
        for subscription in Subscription.objects.filter(pk__in=set(expired), ended_at=None).order_by("pk"):
            commands.note(events.BacklogExpired, subscription, SYSTEM, Count=expired.count(subscription.pk))
        sql.run(f"DELETE FROM webhooks_attempt WHERE {sql.any_of('delivery_id')}", batch)
        return sql.run(f"DELETE FROM webhooks_delivery WHERE {sql.any_of('id')}", batch)
