"""How to look at subscriptions, deliveries and attempts.

Subscriptions belong to the account that made them: others do not see them, except an administrator. Who may not see a
record may not see its delivery; the owner sees that something was withheld, not what (specification: webhooks, section 7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access import queries as access
from workwire.access.policy import require
from workwire.kernel import clock, text
from workwire.kernel.actor import Actor
from workwire.kernel.counting import counts_of
from workwire.kernel.errors import not_found
from workwire.kernel.table_growth import Growth, growth_of
from workwire.kernel.wording import ENGLISH, say
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import webhooks
from workwire.reactions.webhooks import messages, rights
from workwire.reactions.webhooks.models import SOON, UNUSUAL, UNWELL, Attempt, Delivery, State, Subscription
from workwire.rooms.work import queries as work

MOST_LOGGED = 10_000


def subscriptions_of(actor: Actor) -> QuerySet[Subscription]:
    """The living subscriptions of the actor's account; everybody's for an administrator."""
    found = Subscription.objects.filter(ended_at=None).select_related("owner", "credential")
    return found if access.administers(actor) else found.filter(owner_id=actor.user_id)


def subscriptions_matching(words: str) -> Q:
    """Subscriptions whose URL or webhook holds a text, in any case."""
    if not text.is_storable(words):
        return Q(pk__in=())
    numbers = [hook.number for hook in webhooks().values() if words.lower() in hook.name.lower()]
    return Q(url__icontains=words) | Q(webhook__in=numbers)


def count_of(owner_id: int) -> int:
    """How many living subscriptions an account has; whoever calls has checked that the actor manages the account."""
    return Subscription.objects.filter(owner=owner_id, ended_at=None).count()


def may_see_own(actor: Actor) -> bool:
    """Whether the actor may look at the subscriptions of its account: who may subscribe."""
    return actor.has(features.WEBHOOKS)


def owner_of(subscription_guid: UUID) -> int | None:
    """The account that a living subscription belongs to; None for one that has ended."""
    owners = Subscription.objects.filter(guid=subscription_guid, ended_at=None).values_list("owner_id", flat=True)
    return owners.first()


def subscription(guid: UUID, *, by: Actor) -> Subscription:
    """One living subscription; raises NotFound also for somebody else's, and Forbidden without the feature *webhooks*."""
    require(by, features.WEBHOOKS)
    found = subscriptions_of(by).filter(guid=guid).first()
    if found is None:
        raise not_found("subscription")
    return found


def log_length(of: Subscription) -> int:
    """How many deliveries the log has of a subscription, counted up to `MOST_LOGGED`; whoever calls has checked that it may be
    seen."""
    return Delivery.objects.filter(subscription=of).order_by()[:MOST_LOGGED].count()


def deliveries_visible_to(actor: Actor) -> QuerySet[Delivery]:
    """Deliveries of the actor's subscriptions, newest first: with all they carry where the record may be seen now, and
    withheld ones, which doors show without their record (see `content_visible`). `last_sent` is the `sent` of the last
    attempt, None where there was none, `item_reference` that of the work item the event lies in; `was_taken` says whether the
    endpoint has taken it, whatever became of it since."""
    seen = content_visible(actor)
    last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number", "-id").values("sent")[:1]
    found = Delivery.objects.select_related("subscription", "event", "queued")
    reference = work.items_with_guid(OuterRef("event__work_item_guid")).values("reference")
    found = found.annotate(
        content_visible=seen, last_sent=Subquery(last), item_reference=Subquery(reference), was_taken=_taken()
    )
    if access.administers(actor):
        return found
    return found.filter(seen | Q(state=State.WITHHELD), subscription__owner_id=actor.user_id)


def _taken() -> Exists:
    return Exists(Attempt.objects.filter(delivery=OuterRef("pk"), status__gte=200, status__lt=300))


def content_visible(actor: Actor) -> Q:
    """Whether the actor may see the record of a delivery of the outer query; a sample has none."""
    tested = rights.seen_by(actor, event="tested_event__")
    return Q(event=None, tested_event=None) | rights.seen_by(actor) | (Q(event=None) & tested)


def first_written(moment: datetime) -> int | None:
    """The id of the first delivery written from a moment on, None when there is none. A batch shares its moment."""
    found = Delivery.objects.filter(created_at__gte=moment).order_by("created_at", "pk")
    return found.values_list("pk", flat=True).first()


def stands_in(state: State | None, **more: Any) -> Q:
    """The condition for a state, where one is named, and more."""
    return Q(**more) & (_stands(state) if state is not None else Q())


def _stands(state: State) -> Q:
    """The condition for a state, in the terms of the indexes: the queue, or ends other than delivered."""
    if state == State.DELIVERED:
        return Q(state=state)
    if state in (State.DUE, State.SENDING):
        return Q(queued__claimed_by__isnull=state == State.DUE, queued__isnull=False)
    return Q(state=state) & UNUSUAL[state]


def stand_in(states: Collection[State]) -> Q:
    """The condition for any of several states."""
    return reduce(or_, map(_stands, states))


def standing(delivery: Delivery) -> State:
    """Where a delivery stands; `queued` must be loaded."""
    place = getattr(delivery, "queued", None)
    return State.SENDING if place is not None and place.claimed_by else State(delivery.state)


def delivery(guid: UUID, *, by: Actor) -> Delivery:
    """One delivery; raises NotFound."""
    found = deliveries_visible_to(by).filter(guid=guid).first()
    if found is None:
        raise not_found("delivery")
    return found


def attempts(of: Delivery) -> QuerySet[Attempt]:
    """The attempts of a delivery, first one first; whoever calls has checked that the delivery may be seen."""
    found = Attempt.objects.filter(delivery=of).select_related("delivery__subscription", "delivery__event")
    return found.order_by("number", "id")


def detail_of(attempt: Attempt) -> str:
    """How an attempt went, in the language of the present reader as far as it is a sentence of ours: what the network said
    stays as it was heard."""
    code = f"attempt.{attempt.error}"
    ours = say(code, {}, ENGLISH)
    return say(code, {}) + attempt.detail[len(ours) :] if attempt.detail.startswith(ours) else attempt.detail


def last_attempts(of: Iterable[Delivery]) -> dict[int, Attempt]:
    """The last attempt of each of some deliveries, by their ids and without its answer; whoever calls has checked that they
    may be seen."""
    found = Attempt.objects.filter(delivery__in=[one.pk for one in of]).defer("answer_head").order_by("number", "id")
    return {one.delivery_id: one for one in found}


def notices(subscription_guid: UUID, *, by: Actor) -> QuerySet[Event]:
    """What happened to a subscription, from the ledger; raises NotFound also for somebody else's subscription."""
    found = subscription(subscription_guid, by=by)
    return Event.objects.filter(record_type=ObjectType.SUBSCRIPTION, record_guid=found.guid)


def unwell(now: datetime) -> dict[str, int]:
    """How many living subscriptions are paused, have a failing endpoint, lost their access, or have certificates that soon end
    or have ended; one query along indexes of these only."""
    found, ending = Subscription.objects.filter(UNWELL), Subscription.objects.filter(ended_at=None)
    wanted = {
        "paused": found.filter(paused_at__isnull=False),
        "failing": found.filter(failing_since__isnull=False),
        "access_lost": found.filter(access_lost_at__isnull=False),
        "certificates_ending": ending.filter(certificates_end_at__gt=now, certificates_end_at__lte=now + SOON),
        "certificates_ended": ending.filter(certificates_end_at__lte=now),
    }
    return dict(zip(wanted, counts_of(list(wanted.values())), strict=True))


def troubled(most: int) -> list[Subscription]:
    """Some of these with their owners, the longest failing first; for who runs the installation."""
    found = Subscription.objects.filter(UNWELL).select_related("owner")
    longest = Coalesce("access_lost_at", "failing_since", "paused_at")
    return list(found.order_by(F("failing_since").asc(nulls_last=True), longest, "pk")[:most])


def growth(now: datetime) -> Growth:
    """How fast the delivery log grows; one query."""
    return growth_of(Delivery.objects.all(), "created_at", now)


def unreadable() -> Subscription | None:
    """One whose secret no key of this installation opens, of the oldest and the newest living subscription."""
    living = Subscription.objects.filter(ended_at=None).order_by("pk")
    for one in (living.first(), living.last()):
        try:
            if one is not None:
                messages.valid_secrets(one, clock.now())
        except InvalidToken:
            return one
    return None


def withheld_count(subscription_guid: UUID | str) -> int:
    """How many deliveries of a subscription stand withheld; for whoever runs the installation."""
    return Delivery.objects.filter(_stands(State.WITHHELD), subscription__guid=subscription_guid).count()


def latest_attempts(
    actor: Actor, *, subscription_guid: UUID | None = None, after: int = 0, limit: int = 200
) -> list[Attempt]:
    """The newest attempts of the deliveries an actor may see, oldest first, behind the attempt with id `after`."""
    seen = deliveries_visible_to(actor)
    if subscription_guid is not None:
        seen = seen.filter(subscription__guid=subscription_guid)
    found = Attempt.objects.filter(pk__gt=after, delivery__in=seen)
    return list(found.select_related("delivery__subscription").order_by("-pk")[:limit])[::-1]
