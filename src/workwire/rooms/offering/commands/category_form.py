"""All categories of a draft, saved at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import added, altered, columns, removed
from workwire.rooms.commitments.rules import DueRule
from workwire.rooms.offering.commands import process_versions as versions
from workwire.rooms.offering.commands.process_versions import DEEPEST_CATEGORY
from workwire.rooms.offering.commands.saving import save
from workwire.rooms.offering.models import ProcessType, ProcessVersion, TicketCategory

MOST_CATEGORIES = 1000


@dataclass(frozen=True, slots=True)
class CategoryWish:
    """A category to save, by its identity, below another one or at the top; `due` as for `add_category`."""

    key: UUID
    name: str
    parent: UUID | None = None
    due: DueRule | None = None


@transaction.atomic
def save_categories(
    version: ProcessVersion, wanted: Sequence[CategoryWish], *, by: Actor, revision: int | None = None
) -> ProcessVersion:
    """Give the draft of a ticket process the categories that are wanted in place of those it has; one with a known key stays
    that category. Recorded once, and not at all when nothing differs. Raises Conflict for a revision that has passed."""
    version = versions.draft(version, ProcessType.TICKET, by, revision)
    levels = _levels(wanted)
    present = {row.identity: row for row in version.categories.order_by("pk")}
    before = {key: columns(row) for key, row in present.items()}
    gone = [row for key, row in present.items() if key not in levels]
    changes = removed(*gone)
    _set_aside([row for key, row in present.items() if key in levels])
    version.categories.filter(pk__in=[row.pk for row in gone]).delete()
    for wish in sorted(wanted, key=lambda one: levels[one.key]):
        row = present.get(wish.key) or TicketCategory(version=version, key=wish.key)
        row.name, row.level = text.name(wish.name), levels[wish.key]
        row.due_rule = versions.rule_written(wish.due)
        row.parent = present[wish.parent] if wish.parent is not None else None
        save(row, "category")
        changes += altered(row, before[wish.key]) if wish.key in before else added(row)
        present[wish.key] = row
    if changes:
        versions.record_change(version, f"{len(wanted)} categories saved", by, changes)
    return version


def _set_aside(rows: list[TicketCategory]) -> None:
    """Free the names of categories that are saved anew, and their places below others that may go."""
    for row in rows:
        row.parent, row.level, row.name = None, 1, str(row.guid)
        row.save()


def _levels(wanted: Sequence[CategoryWish]) -> Mapping[UUID, int]:
    """How deep each category lies, by key; raises Invalid for a key that is there twice, and for what lies below no other
    category or too deep."""
    if len(wanted) > MOST_CATEGORIES:
        raise Invalid("categories_too_many", field="categories", most=MOST_CATEGORIES)
    parents = {wish.key: wish.parent for wish in wanted}
    if len(parents) < len(wanted):
        raise Invalid("category_twice", field="categories")
    levels: dict[UUID, int] = {}
    for key in parents:
        above: UUID | None = key
        while above is not None:
            levels[key] = levels.get(key, 0) + 1
            if above not in parents or levels[key] > DEEPEST_CATEGORY:
                raise Invalid("parent_invalid.category", field="categories")
            above = parents[above]
    return levels
