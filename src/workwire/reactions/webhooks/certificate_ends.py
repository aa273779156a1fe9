"""When the certificates of a subscription end, and when its owner is told so.

From that moment on nothing can be sent: the client certificate, or one of its chain, is past its end, or the last of the
authorities that the subscription trusts is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from workwire.jobs import timers
from workwire.reactions.webhooks.models import CERTIFICATE_REMINDER, SOON, Subscription
from workwire.reactions.webhooks.tls_terms import described

LEADS = (SOON, timedelta(days=7), timedelta(days=1))


def note(subscription: Subscription, now: datetime) -> None:
    """Keep when the certificates of a subscription end, and the moment of the first reminder; the caller saves it."""
    shown = [one.not_after for one in described(subscription.client_certificate)]
    trusted = [one.not_after for one in described(subscription.authorities)]
    subscription.certificates_end_at = min([*shown, *([max(trusted)] if trusted else [])], default=None)
    set_reminder(subscription, now)


def set_reminder(subscription: Subscription, now: datetime) -> None:
    """Set the next moment at which the owner is told, if there is one; the caller saves the subscription."""
    end = subscription.certificates_end_at if subscription.ended_at is None else None
    moments = [end - lead for lead in LEADS] if end is not None else []
    subscription.certificates_remind_at = min((moment for moment in moments if moment > now), default=None)
    if subscription.certificates_remind_at is None:
        timers.clear_timer(CERTIFICATE_REMINDER, subscription.guid)
    else:
        timers.set_timer(CERTIFICATE_REMINDER, subscription.guid, subscription.certificates_remind_at)
