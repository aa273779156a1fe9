"""The events that an actor may see: those of the work, companies and schedules in its sight, and of its own subscriptions;
all of them for who reads the history of all records (feature *audit*).

Sight is that of every webhook message (`rights.seen_by`). In self service nobody reads a history.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access import queries as access
from workwire.access.policy import may_explore
from workwire.access.sight import filter_objects
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, not_found
from workwire.kernel.pages import Page
from workwire.outbox import event_pages, ledger
from workwire.outbox.event_pages import MOST_PLACES, Places, Wanted
from workwire.outbox.models import Event as Event  # for doors, which do not read models
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import Area, event_types, names_of
from workwire.reactions.webhooks import queries, rights
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.rooms.offering import queries as offering
from workwire.rooms.parties import queries as parties

MOST_DELIVERIES = 200


def kinds(actor: Actor) -> tuple[str, ...]:
    """The names of the events that an actor may come to see."""
    if actor.has(features.AUDIT):
        return tuple(sorted(event_types()))
    told = {name for name, body in event_types().items() if body.webhooks}
    own = names_of(Area.SUBSCRIPTIONS) if queries.may_see_own(actor) else ()
    return tuple(sorted({*told, *names_of(Area.WORK), *own}))


def page(wanted: Wanted, *, by: Actor, limit: int = 50, cursor: str | None = None) -> Page[Event]:
    """A page of the events that are wanted, newest first; raises Forbidden in self service."""
    if wanted.names is not None or (wanted.account is not None and not by.has(features.AUDIT)):
        allowed = kinds(by)
        names = wanted.names if wanted.names is not None else allowed
        wanted = replace(wanted, names=[name for name in names if name in allowed])
    if wanted.record is not None and not _is_seen(wanted.record, by):
        return Page([], None)
    return event_pages.page(events(by), wanted, places=_places(by), limit=limit, cursor=cursor)


def event(guid: UUID, *, by: Actor) -> Event:
    """One event; raises NotFound, and Forbidden in self service."""
    found = events(by).filter(guid=guid).first()
    if found is None:
        raise not_found("event")
    return found


def events(actor: Actor) -> QuerySet[Event]:
    """The events that an actor may see; raises Forbidden in self service."""
    if not may_explore(actor):
        raise Forbidden("feature_missing.for_history")
    found = ledger.events()
    if actor.has(features.AUDIT):
        return found
    records = [record for kind in filter_objects() for record in kind.records]
    seen = Q(record_type__in=records) & rights.seen_by(actor, event="")
    if queries.may_see_own(actor):
        mine = Subscription.objects.filter(guid=OuterRef("record_guid"), owner=actor.user_id or 0)
        seen |= Q(record_type=ObjectType.SUBSCRIPTION) & Q(Exists(mine))
    return found.filter(seen)


def may_see_deliveries(actor: Actor) -> bool:
    """Whether the actor may look at where events were sent."""
    return queries.may_see_own(actor)


def deliveries_of(event: Event, *, by: Actor) -> list[Delivery]:
    """The deliveries of an event to subscriptions the actor may look at, newest first."""
    if not may_see_deliveries(by):
        return []
    return list(queries.deliveries_visible_to(by).filter(event=event).order_by("-pk")[:MOST_DELIVERIES])


def _is_seen(record: UUID, by: Actor) -> bool:
    """Whether the actor may see the events of a record: all of them, or none. What is asked for a hidden one is what is asked
    for one that is not there."""
    own = Event.objects.filter(record_guid=record).order_by("-sequence").values("pk")[:1]
    inside = Event.objects.filter(work_item_guid=record).order_by("-pk").values("pk")[:1]
    return events(by).filter(pk=Coalesce(Subquery(own), Subquery(inside))).exists()


def _places(actor: Actor) -> Places | None:
    """Where all that an actor may see lies; None for who sees everything, or nearly so."""
    if actor.has(features.AUDIT) or access.sees_all(actor):
        return None
    services = offering.processes_visible_to(actor).order_by().values_list("service__guid", flat=True).distinct()
    seen = (parties.companies_visible_to(actor), offering.schedules_visible_to(actor))
    records: list[Any] = [found.order_by().values_list("guid", flat=True)[: MOST_PLACES + 1] for found in seen]
    if queries.may_see_own(actor):
        records.append(Subscription.objects.filter(owner=actor.user_id or 0).values_list("guid", flat=True))
    return Places(list(services[: MOST_PLACES + 1]), list(chain(*records)))
