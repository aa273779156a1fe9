"""What happens to subscriptions: kept in the ledger for audit, and the source of notices to their owners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workwire.kernel.actor import Actor
from workwire.outbox.changes import RowChange
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, EventBody, event, webhooks

if TYPE_CHECKING:
    from workwire.reactions.webhooks.models import Subscription


class SubscriptionBody(EventBody):
    """A subscription as of the event; never its secret or the value of its own header."""

    area = Area.SUBSCRIPTIONS

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


@event("SubscriptionSecretExpiring")
class SecretExpiring(SubscriptionBody):
    """An old secret signs beside the present one only until `ValidUntil`, which is soon."""

    ValidUntil: str


@event("SubscriptionCertificateExpiring")
class CertificateExpiring(SubscriptionBody):
    """Certificates of the subscription end at `ValidUntil`, which is soon; nothing can be sent from then on."""

    ValidUntil: str


@event("SubscriptionEnded")
class SubscriptionEnded(SubscriptionBody):
    """Somebody unsubscribed; `Cancelled` deliveries were pending."""

    Cancelled: int


@event("SubscriptionHandedOver")
class SubscriptionHandedOver(SubscriptionBody):
    """An administrator handed a subscription over, from the account `From` to the account `To`."""

    From: str
    To: str


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


@event("MessageSimulated")
class MessageSimulated(SubscriptionBody):
    """Somebody asked for a test message."""


@event("DeliveriesRepeated")
class DeliveriesRepeated(ReasonedBody):
    """Somebody asked for one delivery again."""

    Count: int


class ReplayBody(SubscriptionBody):
    """A replay or backfill of a subscription, by `Kind`."""

    Replay: str
    Kind: str


@event("ReplayStarted")
class ReplayStarted(ReplayBody):
    """Somebody asked for a range to be sent again, or for what was before the subscription."""


@event("ReplayPaused")
class ReplayPaused(ReplayBody):
    """Nothing more of it is queued until it is resumed."""


@event("ReplayResumed")
class ReplayResumed(ReplayBody):
    """It goes on where it was paused."""


@event("ReplayCancelled")
class ReplayCancelled(ReplayBody):
    """It ended before its range did; `Queued` messages had been queued."""

    Queued: int


@event("ReplayFinished")
class ReplayFinished(ReplayBody):
    """All of its range was looked at; `Queued` messages were queued."""

    Queued: int


@event("EpochBegan")
class EpochBegan(SubscriptionBody):
    """The ledger was put back to an earlier moment, and epoch `Began` begins: what receivers know of later moments is void,
    and numbers of `Sequence` are given again. `DataOf` is the moment of the last event that is still there."""

    Began: int
    DataOf: str | None


@event("BacklogExpired")
class BacklogExpired(SubscriptionBody):
    """`Count` messages that waited longer than the log is kept have left the queue unsent."""

    Count: int


def note(
    kind: type[SubscriptionBody], about: Subscription, by: Actor, changes: Sequence[RowChange] = (), **more: Any
) -> None:
    """Record what happened to a subscription, in the transaction of the change; `more` are the further keys of the body.

    The engine names no `changes`: what it notes of an endpoint's health it says in the body.
    """
    body = kind(
        GUID=str(about.guid),
        Webhook=webhooks()[about.webhook].name,
        SubscriberURL=about.url,
        **more,
    )
    record(body, about=Subject(ObjectType.SUBSCRIPTION, about.guid), by=by, changes=changes)
