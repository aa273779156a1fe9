"""Which subscriptions want an event: by webhook and filter key, looked up in an index, never by walking subscriptions.

A filter key is the GUID of the object named, ``<type number>:*`` for a whole type of business object, or ``*`` for
everything the owner may see.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from workwire.access.sight import filter_object
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import event_types, webhooks
from workwire.reactions.webhooks.models import Subscription

EVERYTHING = "*"


class Place(NamedTuple):
    """Where an event happened: what matching needs of a ledger row."""

    name: str
    record_type: int
    record_guid: UUID
    company_guid: UUID | None
    contract_guid: UUID | None
    service_guid: UUID | None
    work_item_guid: UUID | None


def filter_key(filter_type: ObjectType, filter_guid: UUID | None) -> str:
    """The key under which a subscription with this filter is found."""
    if filter_guid is not None:
        return str(filter_guid)
    return EVERYTHING if filter_type == ObjectType.NONE else f"{int(filter_type)}:*"


def keys_of(event: Event | Place) -> list[tuple[int, str]]:
    """The (webhook number, filter key) pairs whose subscriptions want this event."""
    hooks = event_types()[event.name].webhooks
    above = [event.company_guid, event.contract_guid, event.service_guid, event.work_item_guid]
    objects = [str(guid) for guid in above if guid is not None]
    pairs: list[tuple[int, str]] = []
    for hook in hooks:
        if ObjectType.CONTRACT in hook.filters:
            pairs += [(hook.number, key) for key in (*objects, EVERYTHING)]
        elif hook.needs_guid:
            pairs.append((hook.number, str(event.record_guid)))
        else:
            pairs.append((hook.number, f"{event.record_type}:*"))
    return pairs


def condition(subscription: Subscription) -> Q:
    """The condition on ledger rows that a subscription wants; the reverse of `keys_of`."""
    hook = webhooks()[subscription.webhook]
    names = [name for name, body in event_types().items() if hook in body.webhooks]
    wanted = Q(name__in=names)
    guid = subscription.filter_guid
    if guid is None:
        return wanted & (Q(record_type=subscription.filter_type) if subscription.filter_type else Q())
    lies_under = ObjectType.CONTRACT in hook.filters
    return wanted & Q(**{filter_object(subscription.filter_type).column if lies_under else "record_guid": guid})
