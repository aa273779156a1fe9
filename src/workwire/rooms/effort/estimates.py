"""How long work items are expected to take, how long they took, what is left, and why so much is expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import Statement, statement
from workwire.rooms.effort import expectations
from workwire.rooms.effort.expectations import CaseEffort
from workwire.rooms.effort.models import ExpectedTime
from workwire.rooms.effort.queries import seconds_by_item
from workwire.rooms.work import item_due_dates
from workwire.rooms.work import queries as work
from workwire.rooms.work.commands.changing import require_may_work
from workwire.rooms.work.models import Status, WorkItem
from workwire.rooms.work.transitions import FINISHED


@dataclass(frozen=True, slots=True)
class PartOfCase:
    """An action or sub-case of a case, in minutes; `is_seen` says whether the actor may look at it."""

    item: WorkItem
    expected: int | None
    actual: float
    remaining: float | None
    is_seen: bool


@dataclass(frozen=True, slots=True)
class Effort:
    """What an item is expected to take and took, in minutes; `rest` is what is expected of work not yet created, of a case.

    `start_by` is the latest start in working time that meets the due date, while nothing was done.
    """

    expected: int | None
    by_hand: bool
    rest: int | None
    actual: float
    remaining: float | None
    start_by: datetime | None
    parts: tuple[PartOfCase, ...]
    explanation: tuple[Statement, ...]


class Tree:
    """An item with all that was created below it: what is kept and what was done of each, read level by level."""

    def __init__(self, top: WorkItem) -> None:
        self.top = top
        self._below: dict[int, list[WorkItem]] = {}
        level = [top]
        every = [top]
        while level:
            cases = [item.pk for item in level if item.kind == work.ProcessType.CASE]
            found = _items().filter(parent__in=cases, independent=False).order_by("pk")
            level = list(found)
            every += level
            for item in level:
                self._below.setdefault(item.parent_id or 0, []).append(item)
        keys = [item.pk for item in every]
        kept = ExpectedTime.objects.filter(work_item__in=keys).select_related("set_by")
        self.kept = {row.work_item_id: row for row in kept}
        self._seconds = seconds_by_item(keys)
        self._expected: dict[int, int | None] = {}
        for item in reversed(every):  # parts before their case
            self._expected[item.pk] = self._sum(item)

    def below(self, item: WorkItem) -> list[WorkItem]:
        """The actions and sub-cases of a case, in the order they were created."""
        return self._below.get(item.pk, [])

    def expected(self, item: WorkItem) -> int | None:
        """The minutes that are expected of an item; None where nothing says so."""
        return self._expected[item.pk]

    def of_case(self, item: WorkItem) -> CaseEffort:
        """The effort of a case as it is now."""
        return expectations.case_effort(self.start(item) or 0, (self.expected(one) or 0 for one in self.below(item)))

    def given(self, item: WorkItem) -> int | None:
        """What the process gives for an item and its records."""
        return expectations.initial(per_record(item), item.record_count)

    def actual(self, item: WorkItem) -> float:
        """The minutes that were spent on an item and on all below it."""
        return self._seconds.get(item.pk, 0) / 60 + sum(self.actual(one) for one in self.below(item))

    def remaining(self, item: WorkItem) -> float | None:
        """The minutes that are left; None where nothing is expected."""
        expected = self.expected(item)
        if expected is None:
            return None
        if item.status in FINISHED:
            return 0
        if item.kind != work.ProcessType.CASE:
            return expectations.remaining(expected, self.actual(item))
        return sum(self.remaining(one) or 0 for one in self.below(item)) + self.of_case(item).rest

    def _sum(self, item: WorkItem) -> int | None:
        if item.kind != work.ProcessType.CASE:
            kept = self.kept.get(item.pk)
            return kept.minutes if kept is not None else self.given(item)
        known = self.start(item) is not None or any(self.expected(one) is not None for one in self.below(item))
        return self.of_case(item).total if known else None

    def start(self, item: WorkItem) -> int | None:
        """The total of a case before its parts are looked at."""
        kept = self.kept.get(item.pk)
        holds = kept is not None and (kept.by_hand or kept.record_count == item.record_count)
        return kept.minutes if kept is not None and holds else self.given(item)


def per_record(item: WorkItem) -> int | None:
    """The minutes that the process expects of each record: of an action by its definition, of others by their version, or else
    by their type."""
    if item.kind == work.ProcessType.ACTION:
        return item.definition.effort_per_record if item.definition is not None else None
    of_version = item.process_version.effort_per_record
    return item.work_type.effort_per_record if of_version is None else of_version


def effort_of(item: WorkItem, *, by: Actor, with_parts: bool = True) -> Effort:
    """The effort of an item that the actor sees, of a case `with_parts` or without; raises Forbidden for who does not work."""
    require_may_work(by)
    tree = Tree(item)
    expected, actual = tree.expected(item), tree.actual(item)
    below = tree.below(item) if with_parts else []
    seen = set(work.visible(WorkItem.objects.filter(pk__in=[one.pk for one in below]), by).values_list("pk", flat=True))
    is_case = item.kind == work.ProcessType.CASE
    return Effort(
        expected=expected,
        by_hand=item.pk in tree.kept and tree.kept[item.pk].by_hand,
        rest=tree.of_case(item).rest if is_case and expected is not None else None,
        actual=actual,
        remaining=tree.remaining(item),
        start_by=_start_by(item, expected, actual),
        parts=tuple(
            PartOfCase(one, tree.expected(one), tree.actual(one), tree.remaining(one), one.pk in seen) for one in below
        ),
        explanation=tuple(_why(tree, item, expected)),
    )


def _why(tree: Tree, item: WorkItem, expected: int | None) -> Iterator[Statement]:
    """Why so much is expected, step by step."""
    if expected is None:
        yield statement("effort.nothing_given")
        return
    kept, each = tree.kept.get(item.pk), per_record(item)
    if kept is not None and kept.by_hand:
        yield statement("effort.by_hand", minutes=kept.minutes, name=kept.set_by.full_name if kept.set_by else "")
    elif each is not None:
        yield statement("effort.per_record", each=each, records=item.record_count, minutes=tree.given(item))
    if item.kind == work.ProcessType.CASE:
        effort = tree.of_case(item)
        yield statement("effort.created", minutes=effort.created, parts=len(tree.below(item)))
        yield statement("effort.rest", minutes=effort.rest)
        if effort.rest == 0 and effort.created > (tree.given(item) or 0):
            yield statement("effort.raised", minutes=effort.total)


def _start_by(item: WorkItem, expected: int | None, actual: float) -> datetime | None:
    """So much working time before the item is due; None once something was done, and where no calendar reaches."""
    if not expected or actual or item.due_date is None or item.status in (Status.DRAFT, *FINISHED):
        return None
    try:
        return item_due_dates.calendar_of(item).add_working_time(item.due_date, -timedelta(minutes=expected))
    except Invalid:
        return None


def _items() -> QuerySet[WorkItem]:
    return WorkItem.objects.select_related("process_version", "definition", "work_type")
