"""Event types: typed bodies, the webhooks they fire and a sample, registered once when a room's `events` is imported.

The webhook catalogue, its JSON Schemas and its samples are generated from here, so that what is documented is what is
sent (specification: webhooks, sections 2 and 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from workwire.outbox.objects import ObjectType


@dataclass(frozen=True, slots=True)
class Webhook:
    """A named kind of event that others can subscribe to.

    `filters` are the object types a subscription may name; `needs_guid` says whether it names one object of that type
    (True) or the type as a whole (False); `filter_required` says whether the documented API insists on a filter.
    """

    number: int
    name: str
    description: str
    fires_when: str
    filters: tuple[ObjectType, ...]
    needs_guid: bool
    aliases: tuple[str, ...] = ()


class Area(StrEnum):
    """What an event type is about: the work itself, what it is done with, or how the installation is run."""

    WORK = "work"
    DATA = "data"  # contacts, uploads, and the time of accounts
    SIGN_INS = "sign_ins"
    RIGHTS = "rights"
    SETTINGS = "settings"
    CONFIGURATION = "configuration"
    SUBSCRIPTIONS = "subscriptions"


AUDITED = (Area.SIGN_INS, Area.RIGHTS, Area.SETTINGS, Area.CONFIGURATION, Area.SUBSCRIPTIONS)


class EventBody(BaseModel):
    """Base of every event's body: documented keys in their documented order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_name: ClassVar[str]
    area: ClassVar[Area] = Area.CONFIGURATION
    is_about_people: ClassVar[bool] = False  # what accounts do, such as following, and not what becomes of work
    webhooks: ClassVar[tuple[Webhook, ...]] = ()

    @classmethod
    def sample(cls) -> Self:
        """A believable example, used by the catalogue and by simulated messages."""
        raise LookupError(f"{cls.__name__} offers no sample")


class EventActor(BaseModel):
    """The account whose deed an event is, and the application credential it acted through, if any."""

    GUID: str
    UserType: int
    CredentialGUID: str | None


class Envelope(BaseModel):
    """The keys every body carries beside its own. `Epoch` rises when the ledger was put back to an earlier moment: `Sequence`
    is compared within an epoch only. `ChangedBy` is null for what the system does by itself."""

    EventID: str
    OccurredAt: str
    Sequence: int
    Epoch: int = 1
    ChangedBy: EventActor | None = None


OLD_VALUES = "Previous"  # the key of an update under which the old values of what changed stand
SAMPLE_ACTOR = EventActor(GUID="0190c3a4-7b1e-7c55-9f0a-2f4d5e6a7b60", UserType=1, CredentialGUID=None)
_types: dict[str, type[EventBody]] = {}
_webhooks: dict[int, Webhook] = {}  # in the order of their numbers


def event(name: str, *webhooks: Webhook) -> Callable[[type[EventBody]], type[EventBody]]:
    """Register the decorated body as the event type `name`, firing `webhooks`; raises ValueError for a name taken."""

    def register(body: type[EventBody]) -> type[EventBody]:
        if name in _types:
            raise ValueError(f"event type {name} is registered twice")
        body.event_name, body.webhooks = name, webhooks
        _types[name] = body
        _webhooks.update({hook.number: hook for hook in webhooks})
        for number in sorted(_webhooks):
            _webhooks[number] = _webhooks.pop(number)
        return body

    return register


def event_types() -> Mapping[str, type[EventBody]]:
    """All registered event types by name."""
    return _types


def webhooks() -> Mapping[int, Webhook]:
    """All webhooks some event type fires, by number."""
    return _webhooks


def names_of(*areas: Area) -> tuple[str, ...]:
    """The names of the event types that are about one of some things, in alphabetical order."""
    return tuple(sorted(name for name, body in _types.items() if body.area in areas))


def names_about_people() -> tuple[str, ...]:
    """The names of the event types that tell what accounts do and not what becomes of work, in alphabetical order."""
    return tuple(sorted(name for name, body in _types.items() if body.is_about_people))


def body_of(webhook: Webhook) -> type[EventBody]:
    """The body type of a webhook's messages."""
    return next(body for body in _types.values() if webhook in body.webhooks)


def names_told_as(webhook: Webhook) -> tuple[str, ...]:
    """The names of the event types whose messages a webhook sends."""
    return tuple(name for name, body in _types.items() if webhook in body.webhooks)
