"""Handing a subscription over to another account, and what that account would let the receiver see (decision 68).

From then on the rights of the new owner count at every message, while the URL and what the receiver knows stay as they were.
So this is for administrators in person, who see all records themselves and may change every subscription anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet

from workwire.access import features
from workwire.access import queries as access
from workwire.access.models import User
from workwire.access.policy import require, require_of_person
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid, NotFound, refusal_of
from workwire.kernel.wording import Statement, statement
from workwire.outbox.changes import altered, columns
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands, events, matching, queries, replay_ranges, rights
from workwire.reactions.webhooks.models import Subscription

LOOKED_AT = 10_000  # the newest events of the ledger, of whatever kind
MOST_COUNTED = 200  # of these, the newest that fit the subscription
MOST_NAMED = 5
MOST_OFFERED = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """What the new owner may see of the newest events that fit a subscription: `counted` of them, at most `MOST_COUNTED`,
    among the last `LOOKED_AT` of the ledger.

    `gained` are those that the new owner sees and the present one does not: the receiver would get their like from then on.
    `unseen` are the newest events, one of each record, that the new owner does not see. `obstacle` says why the command would
    refuse; None where it would not.
    """

    subscription: Subscription
    owner: User
    obstacle: Statement | None
    counted: int
    kept: int
    gained: int
    lost: int
    unseen: tuple[Event, ...]

    @property
    def seen(self) -> int:
        """How many the new owner sees."""
        return self.kept + self.gained


@transaction.atomic
def hand_over(guid: UUID, *, owner: UUID, by: Actor, version: int | None = None) -> Subscription:
    """Make another account the owner of a subscription, bound to no application credential any more; the URL, the secrets, the
    header and the log stay.

    Raises Forbidden unless an administrator does it in person, and Invalid or Conflict where that account could not have
    subscribed itself.
    """
    _require(by)
    subscription = commands.locked(guid, by, version)
    before, after = subscription.owner, _account(owner, by)
    if (unfit := _unfit(subscription, after)) is not None:
        raise refusal_of(unfit, Invalid, field="owner")
    commands.check_number(after.pk)
    row = columns(subscription)
    subscription.owner, subscription.credential, subscription.access_lost_at = after, None, None
    subscription.version += 1
    subscription.updated_at = clock.now()
    subscription.save(update_fields=["owner", "credential", "access_lost_at", "version", "updated_at"])
    named = {"From": str(before.guid), "To": str(after.guid)}
    events.note(events.SubscriptionHandedOver, subscription, by, altered(subscription, row), **named)
    return subscription


def preview(guid: UUID, *, owner: UUID, by: Actor) -> Preview:
    """Say what would change if an account became the owner, by the rights as they are now; for who may hand over."""
    _require(by)
    subscription, after = queries.subscription(guid, by=by), _account(owner, by)
    recent = _recent(subscription, after)
    unseen: dict[UUID, Event] = {}
    for event in recent:
        if not event.seen_after:  # type: ignore[attr-defined] # annotated
            unseen.setdefault(event.work_item_guid or event.record_guid, event)
    pairs = [(event.seen_before, event.seen_after) for event in recent]  # type: ignore[attr-defined]  # annotated
    return Preview(
        subscription=subscription,
        owner=after,
        obstacle=_unfit(subscription, after),
        counted=len(recent),
        kept=pairs.count((True, True)),
        gained=pairs.count((False, True)),
        lost=pairs.count((True, False)),
        unseen=tuple(unseen.values())[:MOST_NAMED],
    )


def may_hand_over(actor: Actor) -> bool:
    """Whether the actor may hand subscriptions over; the command asks again."""
    return actor.has(features.WEBHOOKS) and access.administers(actor) and actor.credential_id is None


def candidates(guid: UUID, words: str, *, by: Actor) -> QuerySet[User]:
    """The active accounts that may subscribe and have these words in their names, by name, without the present owner."""
    _require(by)
    present = queries.subscription(guid, by=by).owner_id
    may = Q(access.holds(OuterRef("pk"), features.WEBHOOKS)) & ~access.bound_to_self_service("pk")
    return access.accounts(by=by, words=words, active=True).filter(may).exclude(pk=present).order_by("full_name", "pk")


def _require(by: Actor) -> None:
    require(by, features.WEBHOOKS)
    require_of_person(by, features.ADMINISTRATOR)


def _account(guid: UUID, by: Actor) -> User:
    try:
        return access.user(guid, by=by)
    except NotFound as error:
        raise NotFound("user_not_found", field="owner") from error


def _unfit(subscription: Subscription, after: User) -> Statement | None:
    """Why an account cannot become the owner; None where it can. The same is asked of who subscribes."""
    held = access.features_of(after)
    if after.pk == subscription.owner_id:
        return statement("new_owner_unfit.already")
    if not after.is_active:
        return statement("new_owner_unfit.retired")
    if features.WEBHOOKS not in held:
        return statement("new_owner_unfit.feature")
    if features.bind_to_self_service(held):
        return statement("new_owner_unfit.self_service")
    if not rights.sees_filter_object(after, subscription):
        return statement("new_owner_unfit.filter_object")
    return None


def _recent(subscription: Subscription, after: User) -> list[Event]:
    """The newest events that fit, each with whether the present and the new owner see its record."""
    fitting = Event.objects.filter(matching.condition(subscription), pk__gt=replay_ranges.last_event() - LOOKED_AT)
    seen = {"seen_before": rights.seen_by_owner(subscription), "seen_after": rights.seen_by_account(after)}
    flags = {name: ExpressionWrapper(condition, output_field=BooleanField()) for name, condition in seen.items()}
    return list(fitting.annotate(**flags).order_by("-pk")[:MOST_COUNTED])
