"""What happens to subscriptions: kept in the ledger for audit, and the source of notices to their owners."""

from __future__ import annotations

from workwire.outbox.registry import EventBody, event


class SubscriptionBody(EventBody):
    """A subscription as of the event; never its secret or the value of its own header."""

    GUID: str
    Webhook: str
    SubscriberURL: str


class ReasonedBody(SubscriptionBody):
    """A subscription and why."""

    Reason: str


@event("SubscriptionCreated")
class SubscriptionCreated(SubscriptionBody):
    """Somebody subscribed."""


@event("SubscriptionUpdated")
class SubscriptionUpdated(SubscriptionBody):
    """A subscription changed; `Changed` names the fields."""

    Changed: list[str]


@event("SubscriptionSecretRotated")
class SecretRotated(SubscriptionBody):
    """A new secret was made; the old one stays valid until `OldValidUntil`."""

    OldValidUntil: str | None


@event("SubscriptionEnded")
class SubscriptionEnded(SubscriptionBody):
    """Somebody unsubscribed; `Cancelled` deliveries were pending."""

    Cancelled: int


@event("SubscriptionPaused")
class SubscriptionPaused(ReasonedBody):
    """Nothing is sent any more; what happens is kept."""


@event("SubscriptionResumed")
class SubscriptionResumed(SubscriptionBody):
    """Sending goes on."""


@event("EndpointFailing")
class EndpointFailing(ReasonedBody):
    """The endpoint failed after it had answered well."""


@event("EndpointRecovered")
class EndpointRecovered(SubscriptionBody):
    """The endpoint answers well again."""


@event("AccessLost")
class AccessLost(ReasonedBody):
    """A message was withheld after others had been sent."""


@event("AccessBack")
class AccessBack(SubscriptionBody):
    """A message could be sent again after others had been withheld."""


@event("DeliveriesRepeated")
class DeliveriesRepeated(ReasonedBody):
    """Somebody asked for deliveries again: a test, a resend, a replay or a backfill, of `Count` messages."""

    Count: int


@event("BacklogExpired")
class BacklogExpired(SubscriptionBody):
    """`Count` messages that waited longer than the log is kept have left the queue unsent."""

    Count: int
