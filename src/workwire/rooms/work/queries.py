"""How to look at work items, always as an actor.

`items_seen_by` is the one definition of the data permission on a work item: lists, single items and the check before every
webhook message use it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from django.db.models import (
    Case,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    When,
    prefetch_related_objects,
)

from workwire.access import features, sight
from workwire.access.models import User
from workwire.access.policy import may_see_what_people_do, require
from workwire.access.queries import Account, granted, sees_all
from workwire.kernel import clock, keys
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Forbidden, not_found
from workwire.kernel.wording import ENGLISH, Statement, say, statement
from workwire.outbox import ledger, public_changes
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import names_about_people
from workwire.rooms.offering import queries as offering
from workwire.rooms.offering.models import ActionDefinition
from workwire.rooms.offering.models import ProcessType as ProcessType  # for doors, which do not read models
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import families, item_due_dates, lists, policy
from workwire.rooms.work.models import ChecklistItem, ItemContact, Queue
from workwire.rooms.work.models import ChecklistResult as ChecklistResult  # for doors
from workwire.rooms.work.models import Rag as Rag  # for doors
from workwire.rooms.work.models import ResolutionMethod as ResolutionMethod  # for doors
from workwire.rooms.work.models import StartedBy as StartedBy  # for doors
from workwire.rooms.work.models import Status as Status  # for doors
from workwire.rooms.work.models import StatusReason as StatusReason  # for doors
from workwire.rooms.work.models import WaitType as WaitType  # for doors
from workwire.rooms.work.models import WorkItem as WorkItem  # for type annotations of callers
from workwire.rooms.work.transitions import DUE as DUE  # for doors
from workwire.rooms.work.transitions import FINISHED
from workwire.rooms.work.transitions import OPEN as OPEN  # for doors

_FOR_EVENTS = (
    "customer",
    "contract__supplier",
    "contract__calendar",
    "service__service_line",
    "work_type",
    "process_version",
    "definition__step",
    "schedule_period",
)
_FOR_READERS = (
    "keep_with",
    "keep_actions_with",
    "category__parent__parent",
    "current_step",
    "queue",
    "parent",
    "family",
    "assignee",
    "owner",
    "started_by",
    "resolved_by",
    "updated_by",
)
TROUBLED = (
    StatusReason.SUB_CASE_CANCELLED,
    StatusReason.BLOCKED_BY_RULE,
    StatusReason.ACTION_UNABLE_TO_COMPLETE,
)  # why something that is to do needs attention
WOKEN = (StatusReason.NEW_INFORMATION, StatusReason.TIMEOUT, StatusReason.DATE_REACHED)  # why something waits no more


_ABOVE_ITEM = {
    "company": "customer_id",
    "parent": "customer__parent_id",
    "contract": "contract_id",
    "service": "service_id",
    "process": "process_id",
}


def items_seen_by(account: Account) -> Exists:
    """Whether a data permission of the account covers the work item of the outer query."""
    return granted(account, **_ABOVE_ITEM)


def _started_by_itself(actor: Actor) -> Q | bool:
    """The limit of self service: what one started oneself."""
    free = not policy.in_self_service(actor) or sees_all(actor)
    return free or Q(started_by=actor.user_id)


def _say_started(looked: sight.Looked) -> list[Statement]:
    if not policy.in_self_service(looked.actor):
        return [statement("sight_self_service.free")]
    if sees_all(looked.actor):
        return [statement("sight_self_service.sees_all")]
    if looked.holds:
        return [statement("sight_self_service.own")]
    who = looked.record.started_by
    return [statement("sight_self_service.others", name=who.full_name if who is not None else "")]


ITEM_RULES = (
    sight.ALL_RECORDS,
    sight.by_permission(items_seen_by, _ABOVE_ITEM),
    sight.Rule("started_by_itself", _started_by_itself, _say_started, limits=True),
)


def for_events() -> QuerySet[WorkItem]:
    """Work items with what an event's body reads: objects that never change for an item, so safe to join in a lock."""
    return WorkItem.objects.select_related(*_FOR_EVENTS)


def items_visible_to(actor: Actor) -> QuerySet[WorkItem]:
    """The work items an actor may see, with all that answers show of them; in self service only those one started."""
    items = for_events().select_related(*_FOR_READERS)
    items = items.annotate(sequence=ledger.sequence_of(OuterRef("guid")), sees_parent=lies_in_sight("parent_id", actor))
    return visible(items, actor)


def visible(items: QuerySet[WorkItem], actor: Actor) -> QuerySet[WorkItem]:
    """The items that the actor may see."""
    return sight.seen(items, actor, ITEM_RULES)


def _named_to(items: QuerySet[WorkItem], reader: Actor) -> QuerySet[WorkItem]:
    """The items that are named to a reader of internal changes: those it sees, all to who reads the history of all records."""
    return items if reader.has(features.AUDIT) else visible(items, reader)


def lies_in_sight(column: str, actor: Actor) -> Exists:
    """Whether the actor may see the work item a column of the outer row names; asked row by row, so that what belongs to one
    item does not cost a look at all of them."""
    return Exists(visible(WorkItem.objects.filter(pk=OuterRef(column)), actor))


def sees(actor: Actor, found: WorkItem) -> bool:
    """Whether the actor may see a work item."""
    return visible(WorkItem.objects.filter(pk=found.pk), actor).exists()


def item(guid: UUID, *, by: Actor, kind: ProcessType | None = None) -> WorkItem:
    """One work item, of one kind when a kind is named; raises NotFound."""
    found = _WITH_GUID.first(by, kind, guid=guid)
    if found is None:
        raise not_found(kind.label.lower() if kind else "work_item")
    return found


def _with_guid(by: Actor, kind: ProcessType | None, *, guid: UUID) -> QuerySet[WorkItem]:
    items = items_visible_to(by).filter(guid=guid)
    return items if kind is None else items.filter(kind=kind)


_WITH_GUID = ComposedQuery(_with_guid)


def item_with_reference(reference: str, *, by: Actor) -> WorkItem:
    """One work item by its reference in any case, such as ``40308-T``; raises NotFound."""
    found = items_visible_to(by).filter(reference__in={reference, reference.upper()}).first()
    if found is None:
        raise not_found("work_item")
    return found


def items_under(case: WorkItem, *, by: Actor) -> QuerySet[WorkItem]:
    """The actions and sub-cases of a case: by state, the soonest due first, after them those whose due date waits along, the
    least time left first; then by step, the latest start first, and by reference."""
    rule_waits = Q(definition__due_rule__add_wait_time=True) | Q(
        definition=None, process_version__due_rule__add_wait_time=True
    )
    paused = Q(rule_waits, status=Status.WAITING, due_date_overridden=False)
    left = ExpressionWrapper(F("due_date") - F("waiting_since"), output_field=DurationField())
    return (
        items_visible_to(by)
        .filter(parent=case.pk)
        .order_by(
            "status",
            Case(When(paused, then=None), default=F("due_date")).asc(nulls_last=True),
            Case(When(paused, then=left), default=None).asc(nulls_last=True),
            F("definition__step__number").asc(nulls_last=True),
            F("started_at").desc(nulls_last=True),
            "reference",
        )
    )


def parent_of(item: WorkItem) -> WorkItem | None:
    """What an item of `items_visible_to` lies in, where its reader sees that, too."""
    return item.parent if item.sees_parent else None  # type: ignore[attr-defined]  # annotated


def taker_of(item: WorkItem) -> WorkItem | None:
    """The item in which the work of a merged or converted ticket goes on, without a check of rights; None for any other."""
    return for_events().get(pk=item.goes_on_in_id) if item.goes_on_in_id is not None else None


def rag(item: WorkItem, now: datetime | None = None) -> Rag:
    """How an item stands against its due date, now or at a moment (see `item_due_dates.standing`)."""
    return item_due_dates.standing(item, now or clock.now())


def open_items_under(case: WorkItem) -> QuerySet[WorkItem]:
    """What is unfinished below a case, seen or not; independent sub-cases are not among it."""
    return WorkItem.objects.filter(parent=case.pk, independent=False).exclude(status__in=FINISHED)


def open_actions_of(case: WorkItem) -> list[UUID]:
    """The GUIDs of the unfinished actions of a case, seen or not, in the order in which they began."""
    return list(open_items_under(case).filter(kind=ProcessType.ACTION).order_by("pk").values_list("guid", flat=True))


def has_open_items_under(case: WorkItem) -> bool:
    """Whether anything below a case is unfinished, seen or not; independent sub-cases do not count."""
    return open_items_under(case).exists()


def contacts_of(item: WorkItem, *, by: Actor) -> QuerySet[ItemContact]:
    """The contacts of a work item, of an action those of its case, with the tags the actor is shown, in the order in which
    they were added."""
    return _contacts(SYSTEM, item=families.keeps_contacts(item)).prefetch_related(_shown_tags(by))


def all_contacts_of(item: WorkItem, *, by: Actor) -> list[ItemContact]:
    """The same, fetched; most items have none, and then it costs next to nothing."""
    found = _CONTACTS(SYSTEM, item=families.keeps_contacts(item))
    if found:
        prefetch_related_objects(found, _shown_tags(by))
    return found


def _contacts(_by: Actor, *, item: int) -> QuerySet[ItemContact]:
    return ItemContact.objects.filter(item=item).select_related("contact__company", "user", "added_by").order_by("pk")


def _shown_tags(by: Actor) -> Prefetch[str]:
    return Prefetch("tags", queryset=parties.contact_tags_shown_to(by))


_CONTACTS = ComposedQuery(_contacts)


def history(guid: UUID, *, by: Actor) -> QuerySet[Event]:
    """What happened to a work item and what lies in it; raises NotFound, and Forbidden in self service."""
    if policy.in_self_service(by):
        raise Forbidden("feature_missing.for_history")
    return events_of(item(guid, by=by), by=by)


def events_of(item: WorkItem, *, by: Actor) -> QuerySet[Event]:
    """The events of a work item and of what lies in it; the caller has checked that its history may be read. Who does not work
    is not told what accounts do there, such as following it."""
    found = ledger.history(item.guid)
    return found if may_see_what_people_do(by) else found.exclude(name__in=names_about_people())


def launchable_actions(case_guid: UUID, *, by: Actor) -> QuerySet[ActionDefinition]:
    """The actions that may be launched by hand from a case, for who works; raises Forbidden and NotFound."""
    require(by, features.WORK_ITEMS)
    return offering.launchable(item(case_guid, by=by, kind=ProcessType.CASE).process_version)


def checklist_of(action: WorkItem) -> QuerySet[ChecklistItem]:
    """The checklist of an action, in the order in which its process asks; lines that came since are last."""
    return ChecklistItem.objects.filter(item=action.pk).select_related("line", "checked_by").order_by("pk")


def checklist_item(guid: UUID, *, by: Actor) -> ChecklistItem:
    """One line of a checklist whose action the actor may see; raises NotFound."""
    found = ChecklistItem.objects.filter(lies_in_sight("item_id", by), guid=guid)
    first = found.select_related("line", "item", "checked_by").first()
    if first is None:
        raise not_found("checklist_item")
    return first


def _of(relation: str) -> Callable[[Actor], Q]:
    return lambda actor: Q(pk__in=Queue.objects.filter(**{relation: actor.user_id or 0}).values("pk"))


def _say_belongs(belongs: str, does_not: str) -> sight.Said:
    return lambda looked: [statement(belongs if looked.holds else does_not)]


QUEUE_RULES = (
    sight.ALL_RECORDS,
    sight.by_feature("all_queues", features.ASSIGN_WORK, features.QUEUES),
    sight.Rule("queue_member", _of("members"), _say_belongs("sight_queue_member", "sight_queue_member.not")),
    sight.Rule("queue_manager", _of("managers"), _say_belongs("sight_queue_manager", "sight_queue_manager.not")),
)


def queues(actor: Actor) -> QuerySet[Queue]:
    """The queues an actor may see: those it is a member or manager of; all of them for who gives out work or builds."""
    return sight.seen(Queue.objects.prefetch_related("members", "managers"), actor, QUEUE_RULES)


def unfinished_of(user_id: int) -> QuerySet[WorkItem]:
    """The unfinished work that an account has, also what waits; whoever calls has checked that the actor may ask."""
    return WorkItem.objects.filter(held_by(user_id)).exclude(status__in=FINISHED)


def held_by(user_id: int) -> Q:
    """Whether an item is with an account: assigned to it, or owned by it while it waits."""
    return Q(assignee=user_id) | Q(owner=user_id, status=Status.WAITING)


def queue(guid: UUID, *, by: Actor) -> Queue:
    """One queue; raises NotFound."""
    found = queues(by).filter(guid=guid).first()
    if found is None:
        raise not_found("queue")
    return found


def members_of_queue(item: WorkItem) -> QuerySet[User]:
    """The active accounts that get work from the queue an item lies in, by name."""
    return User.objects.filter(queues__items=item.pk, is_active=True).order_by("full_name", "pk")


def manages_queue_of(actor: Actor, item: WorkItem) -> bool:
    """Whether the actor is a manager of the queue an item lies in."""
    if item.queue_id is None or actor.user_id is None:
        return False
    return Queue.objects.filter(pk=item.queue_id, managers=actor.user_id).exists()


def manages_a_queue_of(actor: Actor, account: User) -> bool:
    """Whether the actor is a manager of a queue that an account is a member of."""
    return Queue.objects.filter(managers=actor.user_id or 0, members=account.pk).exists()


def dues_passed(now: datetime) -> QuerySet[WorkItem]:
    """Items to be worked on whose due date has passed and of which nobody was told so, for the clock to tell."""
    due = for_events().filter(status__in=DUE, due_passed=False, due_date__lt=now)
    return due.order_by("due_date", "pk")


def references_of(guids: Collection[UUID]) -> dict[UUID, str]:
    """The references that work items have now, by GUID, without a check of rights; drafts have none."""
    found = WorkItem.objects.filter(guid__in=guids).exclude(reference=None)
    return {guid: reference or "" for guid, reference in found.values_list("guid", "reference")} if guids else {}


def items_with_guid(guid: UUID | OuterRef) -> QuerySet[WorkItem]:
    """Work items by a GUID that may be a column of an outer query, without a check of rights."""
    return WorkItem.objects.filter(guid=guid)


def _queues_matching(words: str) -> Q:
    return keys.holding(words, "name_key")


sight.register(
    sight.FilterObject(
        "work_item",
        items_visible_to,
        ITEM_RULES,
        lists.matching,
        lambda row: f"{row.reference or ''} {row.title}".strip(),
        ObjectType.PACKET,
        "work_item_guid",
        items_with_guid,
        items_seen_by,
        records=(ObjectType.PACKET, ObjectType.COMMUNICATION),
        record_column="work_item_guid",
    )
)
sight.register(sight.Kind("queue", queues, QUEUE_RULES, _queues_matching, str))
public_changes.name_to_seers("WorkItem", _named_to)


def why_attention(found: WorkItem) -> str:
    """Why a person must decide how a case goes on, in the language of the present reader; empty where none must."""
    return Statement(**found.attention).sentence() if found.attention else ""


def why_rejected(found: WorkItem) -> str:
    """Why an item was given back: the reason as it was written, or one of ours in the language of the present reader. An older
    process writes the reason alone, so that a statement counts only where it is the one of the reason."""
    because = found.rejected_because
    if because is None or say(because["code"], because["parameters"], ENGLISH) != found.rejected_reason:
        return found.rejected_reason
    return say(because["code"], because["parameters"])
