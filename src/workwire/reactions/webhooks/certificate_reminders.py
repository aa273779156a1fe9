"""The notices that an owner gets before the certificates of a subscription end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from workwire.jobs.timers import TimerKind
from workwire.kernel.actor import SYSTEM
from workwire.kernel.clock import rfc3339
from workwire.reactions.webhooks import certificate_ends, events
from workwire.reactions.webhooks.models import Subscription
from workwire.reactions.webhooks.rotation import lock


def remind_of_certificates(subscription: Subscription, now: datetime) -> bool:
    """Tell an owner that the certificates soon end, and set the next reminder; returns whether it was told.

    The caller has locked the subscription.
    """
    certificate_ends.set_reminder(subscription, now)
    subscription.save(update_fields=["certificates_remind_at"])
    end = subscription.certificates_end_at
    if subscription.ended_at is not None or end is None or end <= now:
        return False
    events.note(events.CertificateExpiring, subscription, SYSTEM, ValidUntil=rfc3339(end))
    return True


def reminders() -> Iterator[tuple[UUID, datetime]]:
    """The subscriptions whose owners are to be told, each with the moment."""
    found = Subscription.objects.filter(certificates_remind_at__isnull=False, ended_at=None)
    rows = found.values_list("guid", "certificates_remind_at")
    return ((guid, at) for guid, at in rows.iterator() if at is not None)


REMINDING = TimerKind(lock, remind_of_certificates, reminders)
