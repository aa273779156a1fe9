"""Retention: the log is kept for a set time, the ledger for good (specification: webhooks, section 6)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from workwire.access import run_time_settings
from workwire.jobs.kinds import Done, JobKind, More, Piece
from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import events, sql
from workwire.reactions.webhooks.models import Delivery, Queued, Subscription

BATCH = 1_000
LOCK = 7_301_003  # any number; names the advisory lock that lets one worker at a time remove
REST = 4.0  # times as long as a batch took, until the next one
EVERY = timedelta(minutes=1)


def piece(given: Piece, _answer: Any) -> More | Done:
    """Remove one batch of what is older than it is kept. A full batch is followed by a pause four times as long as it took, so
    that removing takes a fifth of one connection's time."""
    begun = time.monotonic()
    removed = remove_old(given.now - timedelta(days=run_time_settings.value_of("webhook_retention_days")))
    done = given.done + removed
    if removed < BATCH:
        return Done({"removed": done}, done=done)
    return More(done=done, after=timedelta(seconds=REST * (time.monotonic() - begun)))


KIND = JobKind("webhooks.retention", "upkeep", piece, every=EVERY)


def remove_old(before: datetime, *, limit: int = BATCH) -> int:
    """Remove one small batch of the oldest deliveries written before a moment, with their attempts; returns how many.

    What waits for its turn or for another try is kept, however old. What waits because its subscription is paused leaves the
    queue, and the ledger says how much. One worker at a time does this; another finds nothing to remove.
    """
    with transaction.atomic():
        if not sql.is_alone(LOCK):
            return 0
        will_go = Q(claimed_by__isnull=False) | Q(subscription__paused_at=None, subscription__ended_at=None)
        going = Queued.objects.filter(will_go, delivery=OuterRef("pk"))
        oldest = Delivery.objects.filter(~Exists(going), created_at__lt=before).order_by("created_at")
        found = list(oldest.values_list("pk", flat=True)[:limit])
        waiting = sql.rows(
            f"DELETE FROM webhooks_queued WHERE claimed_by IS NULL AND {sql.any_of('delivery_id')}"
            " RETURNING subscription_id",
            sql.listed(found),
        )
        claimed = Queued.objects.filter(delivery__in=found).values_list("delivery", flat=True)  # since they were found
        batch = sql.listed(set(found) - set(claimed))
        expired = [row[0] for row in waiting]
        for subscription in Subscription.objects.filter(pk__in=set(expired), ended_at=None).order_by("pk"):
            events.note(events.BacklogExpired, subscription, SYSTEM, Count=expired.count(subscription.pk))
        sql.run(f"DELETE FROM webhooks_attempt WHERE {sql.any_of('delivery_id')}", batch)
        return sql.run(f"DELETE FROM webhooks_delivery WHERE {sql.any_of('id')}", batch)
