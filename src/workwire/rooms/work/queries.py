"""How to look at work items, always as an actor.

`items_seen_by` is the one definition of the data permission on a work item: lists, single items and the check before every
webhook message use it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from workwire.access import features
from workwire.access.queries import Account, granted, sees_all
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import not_found
from workwire.rooms.catalogue.models import ProcessType as ProcessType  # for doors, which do not read models
from workwire.rooms.work import dues
from workwire.rooms.work.models import Rag
from workwire.rooms.work.models import ResolutionMethod as ResolutionMethod  # for doors
from workwire.rooms.work.models import Status as Status  # for doors
from workwire.rooms.work.models import WorkItem as WorkItem  # for type annotations of callers
from workwire.rooms.work.transitions import FINISHED

_FOR_EVENTS = ("customer", "contract__supplier", "service__service_line", "work_type", "process_version")
_FOR_READERS = (
    "category__parent__parent",
    "definition__step",
    "current_step",
    "parent",
    "assignee",
    "owner",
    "started_by",
    "resolved_by",
    "updated_by",
)


def items_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the work item of the outer query."""
    return granted(
        account,
        company="customer_id",
        parent="customer__parent_id",
        contract="contract_id",
        service="service_id",
        process="process_id",
    )


def for_events() -> QuerySet[WorkItem]:
    """Work items with what an event's body reads: objects that never change for an item, so safe to join in a lock."""
    return WorkItem.objects.select_related(*_FOR_EVENTS)


def items_visible_to(actor: Actor) -> QuerySet[WorkItem]:
    """The work items an actor may see, with all that answers show of them; in self service only those one started."""
    return visible(for_events().select_related(*_FOR_READERS), actor)


def visible(items: QuerySet[WorkItem], actor: Actor) -> QuerySet[WorkItem]:
    """Those of the items that the actor may see."""
    if sees_all(actor) or actor.user_id is None:
        return items
    items = items.filter(items_seen_by(actor.user_id))
    if actor.has(features.SELF_SERVICE) and not actor.has(features.WORK_ITEMS):
        items = items.filter(started_by=actor.user_id)
    return items


def item(guid: UUID, *, by: Actor, kind: ProcessType | None = None) -> WorkItem:
    """One work item, of one kind when a kind is named; raises NotFound."""
    items = items_visible_to(by).filter(guid=guid)
    found = (items if kind is None else items.filter(kind=kind)).first()
    if found is None:
        raise not_found(kind.label.lower() if kind else "work_item")
    return found


def items_under(case: WorkItem, *, by: Actor) -> QuerySet[WorkItem]:
    """The actions and sub-cases of a case, in the order they came into existence."""
    return items_visible_to(by).filter(parent=case.pk).order_by("pk")


def rag(item: WorkItem, now: datetime | None = None) -> Rag:
    """How an item stands against its due date, now or at a moment; drafts have none yet."""
    due = None if item.status == Status.DRAFT else item.due_date
    return dues.rag(due, now or clock.now(), item.contract.time_zone)


def has_open_items_under(case: WorkItem) -> bool:
    """Whether anything below a case is unfinished, seen or not."""
    return WorkItem.objects.filter(parent=case.pk).exclude(status__in=FINISHED).exists()


def waits_over(now: datetime) -> QuerySet[WorkItem]:
    """Waiting items whose moment has come, for the clock to move."""
    return for_events().filter(status=Status.WAITING, wait_until__lte=now).order_by("wait_until", "pk")


def windows_over(now: datetime) -> QuerySet[WorkItem]:
    """Resolved items whose feedback window has passed, for the clock to close."""
    return for_events().filter(status=Status.RESOLVED, closes_on__lte=now).order_by("closes_on", "pk")


def items_with_guid(guid: UUID | OuterRef) -> QuerySet[WorkItem]:
    """Work items by a GUID that may be a column of an outer query, whoever sees them."""
    return WorkItem.objects.filter(guid=guid)
