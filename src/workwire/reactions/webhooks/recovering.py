"""Recoveries that settling could not see: of subscriptions that another attempt had marked as failing meanwhile.

An attempt knows its subscription as it was when it was prepared. Where another one fails and is settled before it, here or by
another worker, it succeeds without knowing that there is something to recover from. So a worker remembers for a few
seconds who took something from it, and then looks once whether any of them stands as failing since before that: no batch
pays for it, and a subscription that falls quiet does not go on being called failing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from workwire.kernel.actor import SYSTEM
from workwire.reactions.webhooks import events, sql
from workwire.reactions.webhooks.models import Subscription
from workwire.reactions.webhooks.settling import Outcome, telling


class Successes:
    """The subscriptions that took something lately and failed at nothing since, each with the moment it was settled. Noted by
    whatever thread settles, looked through by another one."""

    def __init__(self) -> None:
        self._found: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def note(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Take in outcomes that have been settled as of a moment."""
        told = telling(outcomes)
        with self._lock:
            for subscription, outcome in told.items():
                if outcome.succeeded:
                    self._found[subscription] = now
                else:
                    self._found.pop(subscription, None)

    def recover(self) -> int:
        """Let those recover that stand as failing since before they took something; returns how many. One query where there
        are none."""
        with self._lock:
            found, self._found = self._found, {}
        try:
            return _recover_some(found) if found else 0
        except Exception:  # raised again; who has not been looked at is kept
            with self._lock:
                self._found = found | self._found
            raise


def _recover_some(successes: Mapping[int, datetime]) -> int:
    stale = sql.rows(
        "SELECT id FROM webhooks_subscription WHERE ended_at IS NULL AND failing_since IS NOT NULL"
        f" AND {sql.any_of('id')}",
        sql.listed(successes),
    )
    if not stale:
        return 0
    with transaction.atomic():
        failing = Subscription.objects.select_for_update().filter(pk__in=[row[0] for row in stale], ended_at=None)
        return sum(_recover(subscription, successes[subscription.pk]) for subscription in failing.order_by("pk"))


def _recover(subscription: Subscription, at: datetime) -> int:
    if subscription.failing_since is None or subscription.failing_since > at:
        return 0  # it failed after that
    subscription.failing_since = None
    subscription.save(update_fields=["failing_since"])
    events.note(events.EndpointRecovered, subscription, SYSTEM)
    return 1
