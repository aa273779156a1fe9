"""When work items are due and how they stand against that.

The arithmetic is that of `commitments`; here it meets the item: which rule, which moments, which calendar.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from workwire.kernel import folding
from workwire.kernel.errors import Invalid
from workwire.kernel.wording import statement
from workwire.rooms.commitments import queries as commitments
from workwire.rooms.commitments import rules
from workwire.rooms.commitments.models import Calendar
from workwire.rooms.commitments.rules import Base, Computed, DueRule, Override
from workwire.rooms.commitments.rules import said_in as said_in  # for doors
from workwire.rooms.commitments.working_time import WorkingCalendar
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.parties.terms import Terms, terms_at
from workwire.rooms.work import families
from workwire.rooms.work.models import Rag, Status, WaitType, WorkItem


def rag(due: datetime | None, now: datetime, time_zone: str) -> Rag:
    """How a due date stands at a moment; "today" is the calendar day in the item's time zone."""
    if due is None:
        return Rag.TO_BE_DETERMINED
    if due < now:
        return Rag.OVERDUE
    zone = _zone(time_zone)
    return Rag.DUE_TODAY if due.astimezone(zone).date() == now.astimezone(zone).date() else Rag.DUE_IN_FUTURE


def standing(item: WorkItem, at: datetime) -> Rag:
    """How an item stands against its due date at a moment; a draft has none yet.

    What is finished stands as it stood when it was resolved, and what waits while its due date waits with it, as it stood when
    the waiting began.
    """
    if item.status == Status.DRAFT:
        return Rag.TO_BE_DETERMINED
    if item.status in (Status.RESOLVED, Status.CLOSED) and item.resolved_on is not None:
        at = min(at, item.resolved_on)
    elif item.status == Status.WAITING and item.waiting_since is not None and _waits_along(item):
        at = min(at, item.waiting_since)
    return rag(item.due_date, at, terms_of(item).time_zone)


def paused(item: WorkItem) -> timedelta | None:
    """How far away the due date of an item was when it began to wait along with it, negative where that had passed; None
    while it does not wait."""
    if item.status != Status.WAITING or item.due_date is None or item.waiting_since is None or not _waits_along(item):
        return None
    return item.due_date - item.waiting_since


def _waits_along(item: WorkItem) -> bool:
    """Whether the due date of an item moves on by the time it waits; that of a paused case does not."""
    rule = rule_of(item)
    moves = rule is not None and rule.add_wait_time and not item.due_date_overridden
    return moves and item.wait_type != WaitType.PAUSE


def note_passing(item: WorkItem, at: datetime) -> None:
    """Note whether what is told of an item at a moment says that it is overdue, so that the clock tells it once."""
    item.due_passed = standing(item, at) == Rag.OVERDUE


def rule_of(item: WorkItem) -> DueRule | None:
    """The rule an item's due date follows: that of its action, or of its category where that has one, or of its process
    version."""
    if item.definition is not None:
        return rule_written(item.definition.due_rule)
    own = item.category.due_rule if item.category is not None else None
    return rule_written(own or item.process_version.due_rule)


def rule_written(written: dict[str, Any] | None) -> DueRule | None:
    """The rule a process version or an action keeps as JSON."""
    return DueRule.from_json(written) if written else None


def set_due(item: WorkItem, at: datetime) -> None:
    """Give an item that starts at a moment the due date of its rule, and how it came about; an overridden one stays."""
    rule = rule_of(item)
    if item.due_date_overridden or rule is None:
        return
    case = item.parent if item.kind == ProcessType.ACTION else None
    facts = rules.Facts(
        start=item.started_at or at,
        previous_end=at,
        case_start=case.started_at if case is not None else item.started_at,
        schedule_date=_schedule_date(item, rule),
        custom_date=_custom_date(item, rule),
    )
    _keep(item, rules.compute(rule, facts, calendar_of(item)))


def add_wait(item: WorkItem, waited_to: datetime) -> None:
    """Move the due date on by the time an item waited, where its rule says so."""
    rule = rule_of(item)
    if rule is None or not _waits_along(item) or item.due_date is None or item.waiting_since is None:
        return
    before = list(item.due_steps)
    _keep(item, rules.add_wait(item.due_date, rule, item.waiting_since, waited_to, calendar_of(item)))
    item.due_steps = [*before, *item.due_steps]


def override(item: WorkItem, due: datetime) -> None:
    """Set the due date by hand; raises Invalid for a moment without a zone or before the item, or if the rule forbids it."""
    if due.tzinfo is None or due < item.created_at:
        raise Invalid("due_date_invalid", field="due_date")
    if due == item.due_date:
        return
    _require_may_override(item)
    item.due_date, item.due_date_overridden = due, True
    item.due_steps = [rules.step_as_json(rules.Step(statement("due_step.by_hand"), due))]


def follow_rule(item: WorkItem) -> None:
    """Take back what was set by hand: the due date follows the rule again; raises Invalid if the rule forbids it."""
    if not item.due_date_overridden:
        return
    _require_may_override(item)
    item.due_date, item.due_date_overridden, item.due_steps = None, False, []
    if item.started_at is not None:
        set_due(item, item.started_at)


def follow_category(item: WorkItem, before: DueRule | None) -> None:
    """Let the due date follow the rule of a new category, where that is another one than `before`; one set by hand stays,
    unless the rule forbids it."""
    rule = rule_of(item)
    if item.due_date_overridden:
        if not _forbids_override(item):
            return
        item.due_date_overridden = False
    elif rule == before:
        return
    item.due_date, item.due_steps = None, []
    if item.started_at is not None:
        set_due(item, item.started_at)


def depends_on(item: WorkItem, names: set[str]) -> bool:
    """Whether the due date of an item is counted from one of the named custom data fields."""
    rule = rule_of(item)
    return rule is not None and rule.base == Base.CUSTOM_DATE and folding.key(rule.of) in names


def _require_may_override(item: WorkItem) -> None:
    if _forbids_override(item):
        raise Invalid("due_date_fixed", field="due_date")


def _forbids_override(item: WorkItem) -> bool:
    """Whether the rule of an item forbids to set its due date by hand, now."""
    rule = rule_of(item)
    if rule is None:
        return False
    starting = item.pk is None or item.status == Status.DRAFT
    return rule.override == Override.NO or (rule.override == Override.ON_CREATION_ONLY and not starting)


def _keep(item: WorkItem, computed: Computed) -> None:
    item.due_date, item.due_steps = computed.due, computed.steps_as_json()


def calendar_of(item: WorkItem) -> WorkingCalendar:
    """The working time in which an item's due date is counted: that of its contract when the item began."""
    return commitments.working_calendar(calendar_row_of(item), terms_of(item).time_zone)


def calendar_row_of(item: WorkItem) -> Calendar | None:
    """The calendar of an item's contract when the item began; None for the standard week."""
    calendar_id = terms_of(item).calendar_id
    return item.contract.calendar if calendar_id == item.contract.calendar_id else commitments.with_id(calendar_id)


def terms_of(item: WorkItem) -> Terms:
    """What the contract of an item said when the item began."""
    return terms_at(item.contract, item.created_at)


def _schedule_date(item: WorkItem, rule: DueRule) -> date | None:
    if rule.base != Base.SCHEDULE_DATE or item.schedule_period is None:
        return None
    written = item.schedule_period.dates.get(rule.of)
    return date.fromisoformat(written) if written else None


def _custom_date(item: WorkItem, rule: DueRule) -> datetime | date | None:
    """The value of the field the rule names, as the item or its family has it."""
    if rule.base != Base.CUSTOM_DATE:
        return None
    for name, value in families.custom_data_of(item).items():
        if folding.key(name) == folding.key(rule.of) and isinstance(value, str):
            return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    return None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
