"""How to look at notices: an account sees its own, and of these only what it may still see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.reactions.notices.models import Kind as Kind  # for doors
from workwire.reactions.notices.models import Notice as Notice  # for type annotations of callers
from workwire.reactions.notices.models import Reason as Reason  # for doors, too
from workwire.reactions.notices.models import UnwantedKind
from workwire.reactions.webhooks import queries as webhooks
from workwire.rooms.work import queries as work

MOST_UNREAD = 100


@dataclass(frozen=True, slots=True)
class Unread:
    """How many notices have not been read, exact up to `MOST_UNREAD`; `more` says that there are more."""

    count: int
    more: bool


def notices_of(actor: Actor) -> QuerySet[Notice]:
    """The notices of the actor's account about what it may see now, and about what it gave away, which tell no more than it
    knew."""
    item = Exists(work.visible(work.items_with_guid(OuterRef("work_item_guid")), actor))
    mine = Exists(webhooks.subscriptions_of(actor).filter(guid=OuterRef("subscription_guid")))
    seen = Q(subscription_guid=None) & (Q(item) | Q(reason=Reason.FORMER_SUBSCRIBER))
    if webhooks.may_see_own(actor):
        seen |= Q(subscription_guid__isnull=False) & Q(mine)
    return Notice.objects.filter(seen, account=actor.user_id or 0)


def with_events(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """Notices with the GUID of the event each tells of, as `event_guid`."""
    return notices.annotate(event_guid=F("event__guid"))


def unread(actor: Actor) -> Unread:
    """How many notices of the actor's account have not been read; one query of bounded cost, for the badge of a page."""
    found = notices_of(actor).filter(read_at=None).order_by()[: MOST_UNREAD + 1].count()
    return Unread(min(found, MOST_UNREAD), found > MOST_UNREAD)


def notice(guid: UUID, *, by: Actor) -> Notice:
    """One notice; raises NotFound, also for somebody else's."""
    found = notices_of(by).filter(guid=guid).first()
    if found is None:
        raise not_found("notice")
    return found


def wanted(actor: Actor) -> dict[Kind, bool]:
    """Which kinds of notices the actor's account wants: all, until it does without some."""
    unwanted = set(UnwantedKind.objects.filter(account=actor.user_id or 0).values_list("kind", flat=True))
    return {kind: kind.value not in unwanted for kind in Kind}


def oldest_before(moment: datetime) -> QuerySet[Notice]:
    """Notices of what happened before a moment, oldest first."""
    return Notice.objects.filter(occurred_at__lt=moment).order_by("occurred_at")
