"""Secrets of subscriptions: new ones, old ones that go on signing for a while, and the notice before they expire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from workwire.access import features, run_time_settings
from workwire.access.policy import require
from workwire.jobs import timers
from workwire.jobs.timers import TimerKind
from workwire.kernel import clock, crypto
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import altered, columns
from workwire.reactions.webhooks import commands, events, rights, signing
from workwire.reactions.webhooks.models import SECRET_REMINDER, Subscription

REMIND_BEFORE = timedelta(hours=4)
MOST_OLD_SECRETS = 3


@transaction.atomic
def rotate_secret(
    guid: UUID,
    *,
    by: Actor,
    overlap: timedelta | None = None,
    version: int | None = None,
    secret: str | None = None,
) -> tuple[Subscription, str]:
    """Make a new secret, shown this once, or take one that is brought; the present one goes on signing beside it for
    `overlap` (default: configured).

    Raises Conflict while as many old secrets sign as may: another one would end the overlap promised to the oldest.
    """
    require(by, features.WEBHOOKS)
    subscription = commands.locked(guid, by, version)
    rights.check_not_wider(subscription, by)
    overlap = timedelta(hours=run_time_settings.value_of("webhook_rotation_hours")) if overlap is None else overlap
    if not timedelta(0) <= overlap <= timedelta(days=30):
        raise Invalid("overlap_invalid", field="overlap_hours")
    secret, now, row = signing.secret_of(secret), clock.now(), columns(subscription)
    until = (now + overlap).isoformat() if overlap else None
    current = subscription.secrets[0]
    older = [entry for entry in subscription.secrets[1:] if datetime.fromisoformat(entry["expires_at"]) > now]
    if until and len(older) >= MOST_OLD_SECRETS:
        first = min(entry["expires_at"] for entry in older)
        raise Conflict("too_many_old_secrets", field="overlap_hours", most=MOST_OLD_SECRETS, first=first)
    kept = [{"sealed": current["sealed"], "expires_at": until}, *older] if until else []
    subscription.secrets = [{"sealed": crypto.seal(secret), "expires_at": None}, *kept]
    if until:
        kept[0]["remind_at"] = (now + overlap - min(REMIND_BEFORE, overlap / 2)).isoformat()
    _set_reminder(subscription)
    subscription.version += 1
    subscription.updated_at = now
    subscription.save(update_fields=["secrets", "remind_at", "version", "updated_at"])
    events.note(events.SecretRotated, subscription, by, altered(subscription, row), OldValidUntil=until)
    return subscription, secret


def remind_of_secrets(subscription: Subscription, now: datetime) -> int:
    """Tell an owner whose old secrets are about to expire, once for each secret; returns how many notices.

    The caller has locked the subscription.
    """
    expiring = [entry for entry in subscription.secrets if "remind_at" in entry and _reminder(entry) <= now]
    for entry in expiring:
        del entry["remind_at"]
    _set_reminder(subscription)
    subscription.save(update_fields=["secrets", "remind_at"])
    if subscription.ended_at is not None:
        return 0
    told = [entry for entry in expiring if datetime.fromisoformat(entry["expires_at"]) > now]
    for entry in told:
        events.note(events.SecretExpiring, subscription, SYSTEM, ValidUntil=entry["expires_at"])
    return len(told)


def lock(guids: Sequence[UUID], wait: bool) -> dict[UUID, Subscription]:
    """Lock subscriptions until the transaction ends, without `wait` only those that nobody else holds."""
    found = Subscription.objects.filter(guid__in=guids).order_by("pk")
    return {each.guid: each for each in found.select_for_update(skip_locked=not wait)}


def reminders() -> Iterator[tuple[UUID, datetime]]:
    """The subscriptions whose owners are to be reminded, each with the moment."""
    found = Subscription.objects.filter(remind_at__isnull=False).values_list("guid", "remind_at")
    return ((guid, at) for guid, at in found.iterator() if at is not None)


def _set_reminder(subscription: Subscription) -> None:
    moments = [_reminder(entry) for entry in subscription.secrets if "remind_at" in entry]
    subscription.remind_at = min(moments, default=None)
    if subscription.remind_at is None:
        timers.clear_timer(SECRET_REMINDER, subscription.guid)
    else:
        timers.set_timer(SECRET_REMINDER, subscription.guid, subscription.remind_at)


def _reminder(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["remind_at"])


REMINDING = TimerKind(lock, remind_of_secrets, reminders)
