"""How to look at relations of work items, always as an actor: what is related is shown at both ends to those who see both.

What is linked shows its header, and no more, also to people who work on one end and may not see the other one; a setting says
so. What a merged or converted ticket went into shows what was said at it, and its files, to all who see that item: who merges
lets them see it. In self service that holds for nobody, for there one sees what one asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from workwire.access import run_time_settings
from workwire.access.queries import sees_all
from workwire.kernel import clock, folding, text
from workwire.kernel.actor import Actor
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import lists, policy, queries
from workwire.rooms.work.models import Relation as Relation  # for type annotations of callers
from workwire.rooms.work.models import RelationKind, Status, WaitType, WorkItem
from workwire.rooms.work.transitions import OPEN

MOST_TARGETS = 50
_MADE = (RelationKind.SPLIT_FROM, RelationKind.CONVERTED_FROM)
_AS_SEEN: Mapping[RelationKind, tuple[str, str]] = {
    RelationKind.SPLIT_FROM: ("split_from", "split_into"),
    RelationKind.MERGED_INTO: ("merged_into", "merged_from"),
    RelationKind.CONVERTED_FROM: ("converted_from", "converted_into"),
    RelationKind.REWORKED_FROM: ("reworked_from", "reworked_into"),
    RelationKind.LINKED: ("linked", "linked"),
}  # what a relation is called at its item, and at the other one
NAMES = tuple(sorted({name for pair in _AS_SEEN.values() for name in pair}))


@dataclass(frozen=True, slots=True)
class Seen:
    """A relation as one of its two items sees it: what the other one is to it, and whether the reader may open that one. Of
    one that it may not open, doors show reference, title, assignee, queue and due date."""

    guid: UUID
    name: str
    other: WorkItem
    may_open: bool


def relations_of(item: WorkItem, *, by: Actor) -> QuerySet[Relation]:
    """The relations of an item, which the actor sees, to others that it sees, and links to others whose header it is shown."""
    seen = {"sees_item": queries.lies_in_sight("item_id", by), "sees_other": queries.lies_in_sight("other_id", by)}
    told = {end: Q(**{f"sees_{end}": True}) for end in ("item", "other")}
    if _sees_headers(by):
        for end in told:
            told[end] |= Q(kind=RelationKind.LINKED) & ~Q(**{f"{end}__status": Status.DRAFT})
    found = Relation.objects.annotate(**seen).filter(
        Q(Q(item=item.pk) & told["other"]) | Q(Q(other=item.pk) & told["item"])
    )
    above = ("customer", "contract", "work_type", "assignee", "owner", "queue", "process_version", "definition")
    return found.select_related("made_by", *(f"{end}__{name}" for end in ("item", "other") for name in above))


def seen_from(item: WorkItem, relation: Relation) -> Seen:
    """A relation as an item sees it that is one of its two."""
    at_item, at_other = _AS_SEEN[RelationKind(relation.kind)]
    sees_item, sees_other = relation.sees_item, relation.sees_other  # type: ignore[attr-defined]  # annotated
    if relation.item_id == item.pk:
        return Seen(relation.guid, at_item, relation.other, bool(sees_other))
    return Seen(relation.guid, at_other, relation.item, bool(sees_item))


def own_and_taken_over(item: WorkItem, *, by: Actor) -> QuerySet[WorkItem, int]:
    """The numbers of an item and of the tickets that went into it, as far as the actor is shown what was theirs."""
    whose = Q(pk=item.pk) if sees_own_only(by) else Q(pk=item.pk) | Q(goes_on_in=item.pk)
    return WorkItem.objects.filter(whose).values_list("pk", flat=True)


def belongs_in_sight(column: str, actor: Actor) -> Q:
    """Whether the actor sees what belongs to the work item a column of the outer row names: it sees that item, or the one that
    item went into."""
    own = Q(queries.lies_in_sight(column, actor))
    if sees_own_only(actor):
        return own
    taker = queries.visible(WorkItem.objects.filter(taken_over=OuterRef(column)), actor)
    return own | Q(Exists(taker))


def merge_targets(item: WorkItem, words: str, *, by: Actor) -> list[WorkItem]:
    """At most 50 work items, newest first, that a ticket may be merged into and that match all words: by reference, title, or
    the name of the customer, contract or service."""
    if not text.is_storable(words):
        return []
    in_window = Q(status=Status.RESOLVED, closes_on__gt=clock.now())
    divided = Q(status=Status.WAITING, wait_type=WaitType.RELATED_WORK)
    found = queries.items_visible_to(by).filter(Q(status__in=OPEN) | in_window).exclude(divided).exclude(pk=item.pk)
    return _matching(found, words)


def link_targets(item: WorkItem, words: str, *, by: Actor) -> list[WorkItem]:
    """At most 50 tickets and cases in any state, newest first, that an item may be linked to and that match all words like
    `merge_targets`."""
    if not text.is_storable(words):
        return []
    linked = Relation.objects.filter(Q(item=item.pk) | Q(other=item.pk), kind=RelationKind.LINKED)
    known = {item.pk, *(pk for pair in linked.values_list("item", "other") for pk in pair)}
    return _matching(queries.items_visible_to(by).exclude(kind=ProcessType.ACTION).exclude(pk__in=known), words)


def _matching(found: QuerySet[WorkItem], words: str) -> list[WorkItem]:
    for word in folding.words(words):
        named = Q()
        for above in ("customer", "contract", "service"):
            named |= Q(**{f"{above}__name_key__contains": word})
        found = found.filter(lists.matching(word) | named)
    return list(found.order_by("-pk")[:MOST_TARGETS])


def made_of(ticket: WorkItem) -> list[WorkItem]:
    """What a ticket was split or converted into, seen or not."""
    return list(WorkItem.objects.filter(relations__other=ticket.pk, relations__kind__in=_MADE))


def made_from(item: WorkItem) -> list[UUID]:
    """The tickets that an item was split or converted from, seen or not, by their GUIDs."""
    found = WorkItem.objects.filter(relations_of_others__item=item.pk, relations_of_others__kind__in=_MADE)
    return list(found.values_list("guid", flat=True))


def complete_tickets() -> QuerySet[WorkItem]:
    """The split and converted tickets that still wait though all that was made of them is closed."""
    unfinished = Relation.objects.filter(other=OuterRef("pk"), kind__in=_MADE).exclude(item__status=Status.CLOSED)
    waiting = WorkItem.objects.filter(status=Status.WAITING, wait_type=WaitType.RELATED_WORK)
    return waiting.exclude(Exists(unfinished))


def _sees_headers(by: Actor) -> bool:
    return policy.may_work(by) and run_time_settings.value_of("linked_work_shows") == "header"


def sees_own_only(actor: Actor) -> bool:
    """Whether the actor, in self service, sees only what it asked for."""
    return policy.in_self_service(actor) and not sees_all(actor)
