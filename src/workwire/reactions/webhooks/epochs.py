"""A new epoch: told to the owner of every subscription, for what receivers know of the time after is void."""

from __future__ import annotations

from django.db import transaction

from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.outbox import restores
from workwire.outbox.models import Event
from workwire.reactions.webhooks import events
from workwire.reactions.webhooks.models import Subscription

CHUNK = 500


@transaction.atomic
def begin(*, by: Actor) -> int:
    """Begin the next epoch after a restore, tell every living subscription and let sending go on from here; returns its
    number."""
    last = Event.objects.order_by("-pk").values_list("occurred_at", flat=True).first()
    began = restores.begin_epoch()
    data_of = clock.rfc3339(last) if last else None
    for subscription in Subscription.objects.filter(ended_at=None).order_by("pk").iterator(CHUNK):
        events.note(events.EpochBegan, subscription, by, Began=began, DataOf=data_of)
    restores.release()
    return began
