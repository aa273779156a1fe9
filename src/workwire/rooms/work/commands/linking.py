"""How work items are related: rows that say so, and links, which bind two items to nothing.

Rows of several items are locked together in the order of their ids. What lies in an item came after it, so that this is the
order of cases, too, outermost first, and no two commands wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Conflict, Invalid, NotFound, not_found
from workwire.outbox.changes import RowChange, added, removed
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


def pass_links_on(item: WorkItem, to: WorkItem, change: Change) -> list[RowChange]:
    """Link another item, too, to all that an item is linked to, for what becomes of it; returns what changed."""
    of_links = Relation.objects.filter(Q(item=item.pk) | Q(other=item.pk), kind=RelationKind.LINKED)
    found = list(of_links.select_related("item", "other").order_by("pk"))
    known = _linked_to(to) | {to.pk} if found else set()
    changes: list[RowChange] = []
    for relation in found:
        linked = relation.other if relation.item_id == item.pk else relation.item
        if linked.pk in known:
            continue
        pair = (to, linked) if relation.item_id == item.pk else (linked, to)
        changes += relate(pair[0], RelationKind.LINKED, pair[1], change)
        known.add(linked.pk)
    return changes


def locked_together(items: Collection[WorkItem], *, by: Actor, beside: Collection[int] = ()) -> dict[int, WorkItem]:
    """The rows of several items, all of which the actor sees, and of those `beside`, which it need not see: locked in the
    order of their ids until the transaction ends. Raises NotFound."""
    wanted = {item.pk for item in items}
    rows = {row.pk: row for row in _TOGETHER(SYSTEM, pks=sorted(wanted | set(beside)))}
    if queries.visible(WorkItem.objects.filter(pk__in=wanted), by).count() < len(wanted):
        raise not_found("work_item")
    return rows


def at_version(item: WorkItem, version: int | None) -> WorkItem:
    """A locked item; raises Conflict for a version that has passed."""
    if version is not None and version != item.version:
        raise Conflict("version_conflict.work_item")
    return item


def _linked_to(item: WorkItem) -> set[int]:
    """The items that are linked to one, in either direction."""
    of_links = Relation.objects.filter(Q(item=item.pk) | Q(other=item.pk), kind=RelationKind.LINKED)
    return {pk for pair in of_links.values_list("item", "other") for pk in pair}


def _together(_by: Actor, *, pks: list[int]) -> QuerySet[WorkItem]:
    found = queries.for_events().filter(pk__in=pks).order_by("pk")
    return found.select_for_update(of=("self",), no_key=True)


_TOGETHER = ComposedQuery(_together)
