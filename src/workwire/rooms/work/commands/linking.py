"""How work items are related: rows that say so, and links, which bind two items to nothing.

Rows of several items are locked together in the order of their ids. What lies in an item came after it, so that this is the
order of cases, too, outermost first, and no two commands wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Conflict, Invalid, NotFound, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import queries
from workwire.rooms.work.commands.changing import Change, require_may_work
from workwire.rooms.work.models import Relation, RelationKind, WorkItem

MOST_LINKED = 50  # at a time


@transaction.atomic
def link(item: WorkItem, others: Sequence[WorkItem], *, by: Actor, version: int | None = None) -> WorkItem:
    """Link other tickets and cases, up to 50 at a time, to a main one; returns the main one.

    The items stay as they are, in any state; what is linked already stays so. The event is that of the main item.
    """
    require_may_work(by)
    if not 1 <= len(others) <= MOST_LINKED:
        raise Invalid("links_invalid", field="others", most=MOST_LINKED)
    if item.pk in {other.pk for other in others}:
        raise Invalid("related_to_itself", field="others")
    rows = locked_together([item, *others], by=by)
    if any(row.kind == ProcessType.ACTION for row in rows.values()):
        raise Invalid("link_not_for_actions", field="others")
    change = Change(at_version(rows[item.pk], version), by=by)
    linked = _linked_to(item)
    for pk in dict.fromkeys(other.pk for other in others):
        if pk not in linked:
            change.touch(relate(rows[pk], RelationKind.LINKED, change.item, change))
    return change.done()


@transaction.atomic
def unlink(item: WorkItem, other: WorkItem, *, by: Actor, version: int | None = None) -> WorkItem:
    """Take the link between two items away, whichever is the main one; raises NotFound where there is none. The event is that
    of the item named first."""
    require_may_work(by)
    rows = locked_together([item, other], by=by)
    change = Change(at_version(rows[item.pk], version), by=by)
    between = Q(item=item.pk, other=other.pk) | Q(item=other.pk, other=item.pk)
    found = list(Relation.objects.filter(between, kind=RelationKind.LINKED))
    if not found:
        raise NotFound("relation_not_found")
    for relation in found:
        change.touch(removed(relation))
        relation.delete()
    return change.done()


def relate(item: WorkItem, kind: RelationKind, other: WorkItem, change: Change) -> list[RowChange]:
    """Write how an item is related to another one, inside a change; returns what that changed."""
    return added(
        Relation.objects.create(kind=kind, item=item, other=other, made_by_id=change.by.user_id, made_at=change.at)
    )


def pass_links_on(item: WorkItem, to: Sequence[WorkItem], change: Change) -> list[RowChange]:
    """Link other items, too, to all that an item is linked to, for what becomes of it; returns what changed."""
    pairs = list(_links_of(item).order_by("pk").values_list("item", "other"))
    return [row for one in to for row in _link_like(item, pairs, one, change)] if pairs else []


def _link_like(item: WorkItem, pairs: Sequence[tuple[int, int]], to: WorkItem, change: Change) -> list[RowChange]:
    known = _linked_to(to) | {item.pk, to.pk}
    ends = [
        tuple(to.pk if pk == item.pk else pk for pk in pair) for pair in pairs if not set(pair) - {item.pk} <= known
    ]
    return added(
        *Relation.objects.bulk_create(
            Relation(
                kind=RelationKind.LINKED, item_id=one, other_id=other, made_by_id=change.by.user_id, made_at=change.at
            )
            for one, other in ends
        )
    )


def locked_together(
    items: Collection[WorkItem], *, by: Actor, going_on: Collection[WorkItem] = ()
) -> dict[int, WorkItem]:
    """The rows of several items, which the actor sees, and of those that went into the ones `going_on` elsewhere, which
    it need not see; locked in the order of their ids. Raises NotFound."""
    wanted, taken_over = {item.pk for item in items}, _taken_over(going_on)
    rows = {row.pk: row for row in _TOGETHER(SYSTEM, pks=sorted(wanted | taken_over))}
    if queries.visible(WorkItem.objects.filter(pk__in=wanted), by).count() < len(wanted):
        raise not_found("work_item")
    return rows


def go_on_in(change: Change, target: WorkItem, rows: Mapping[int, WorkItem]) -> None:
    """Let the work of a ticket, and of those of the locked rows that went into it, go on in another item; raises Conflict for
    one that went into it unlocked."""
    if not _taken_over([change.item]) <= rows.keys():
        raise Conflict("version_conflict.work_item")
    for row in rows.values():
        if row.goes_on_in_id == change.item.pk:
            before = columns(row)
            row.goes_on_in = target
            row.save(update_fields=["goes_on_in"])
            change.touch(altered(row, before))
    change.item.goes_on_in = target


def at_version(item: WorkItem, version: int | None) -> WorkItem:
    """A locked item; raises Conflict for a version that has passed."""
    if version is not None and version != item.version:
        raise Conflict("version_conflict.work_item")
    return item


def _linked_to(item: WorkItem) -> set[int]:
    """The items that are linked to one, in either direction."""
    return {pk for pair in _links_of(item).values_list("item", "other") for pk in pair}


def _links_of(item: WorkItem) -> QuerySet[Relation]:
    return Relation.objects.filter(Q(item=item.pk) | Q(other=item.pk), kind=RelationKind.LINKED)


def _taken_over(items: Collection[WorkItem]) -> set[int]:
    """The items whose work went on in some others so far."""
    found = WorkItem.objects.filter(goes_on_in__in=[item.pk for item in items])
    return set(found.values_list("pk", flat=True)) if items else set()


def _together(_by: Actor, *, pks: list[int]) -> QuerySet[WorkItem]:
    found = queries.for_events().filter(pk__in=pks).order_by("pk")
    return found.select_for_update(of=("self",), no_key=True)


_TOGETHER = ComposedQuery(_together)
