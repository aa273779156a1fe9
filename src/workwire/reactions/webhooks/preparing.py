"""Preparation: what a claimed delivery is to carry, where to, and whether it may go by the rights as they are now.

Two queries for a batch, however large, and one more for tests that carry what an event told. The rights come last, so that
what was revoked and committed before is honoured.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from workwire.reactions.webhooks import rights
from workwire.reactions.webhooks.messages import webhook_id
from workwire.reactions.webhooks.models import Lane, Subscription
from workwire.reactions.webhooks.rights import Content


class Prepared(NamedTuple):
    """A claimed delivery with its subscription, and the reason not to send it, empty when it may be sent."""

    content: Content
    to: Subscription
    refusal: str

    @property
    def names(self) -> dict[str, object]:
        """What a log line about it is about."""
        source, to = self.content.source, self.to.guid
        return {"event": UUID(bytes=source), "delivery": webhook_id(source, to.bytes), "subscription": to}

    @property
    def is_paused(self) -> bool:
        """Whether it waits until its subscription goes on; a test waits for nothing."""
        return (
            self.to.paused_at is not None
            and self.to.ended_at is None
            and not self.refusal
            and self.content.lane != Lane.TEST
        )


def prepare(claimed: Collection[int], subscriptions: Collection[int], now: datetime) -> list[Prepared]:
    """Prepare what was just claimed, all of it of the subscriptions named; in the order of the ids. What has left the queue
    since, because its subscription ended, is left out."""
    addressees = rights.addressees(subscriptions, now)
    contents = rights.contents(claimed)
    tests = [content.id for content in contents if content.tested_event is not None]
    unseen = rights.unseen_tests(tests) if tests else ()
    prepared: list[Prepared] = []
    for content in contents:
        if content.tries is not None:
            to, refusal = addressees[content.subscription]
            visible = content.visible and content.id not in unseen
            prepared.append(Prepared(content, to, refusal or ("" if visible else rights.RECORD_INVISIBLE)))
    return prepared
