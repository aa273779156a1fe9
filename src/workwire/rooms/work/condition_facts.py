"""What the fields of conditions hold for one item, as the system sees it: only what is asked for, in few statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import clock, folding
from workwire.kernel.actor import Actor
from workwire.rooms.files import queries as files
from workwire.rooms.offering.condition_fields import data_fields, known_fields
from workwire.rooms.offering.conditions import (
    BUILT_IN,
    Condition,
    Facts,
    KnownField,
    Outcome,
    ValueType,
    check,
    evaluate,
    fields_of,
    tags_of,
)
from workwire.rooms.offering.conditions.known_fields import ANSWER
from workwire.rooms.offering.fields import LEVELS_JOINED_BY
from workwire.rooms.offering.findings import Finding
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.work import families, family_sight, item_due_dates, queries
from workwire.rooms.work.models import ChecklistItem, ChecklistResult, Rag, StartedBy, WorkItem

_RELATED = {
    "customerName": "customer__name",
    "supplierName": "contract__supplier__name",
    "serviceName": "service__name",
    "serviceLineName": "service__service_line__name",
    "processName": "process__work_type__name",
    "workItemSchedulePeriod": "schedule_period__period",
    "scheduleYear": "schedule_period__year",
}
_LEVELS = ("category__parent__parent__name", "category__parent__name", "category__name")
_OF_ITEM: Mapping[str, Callable[[WorkItem, datetime], Any]] = {
    "contractName": lambda item, _at: item_due_dates.terms_of(item).name,
    "workItemReference": lambda item, _at: item.reference,
    "workItemTitle": lambda item, _at: item.title,
    "workItemDescription": lambda item, _at: item.description,
    "recordCount": lambda item, _at: item.record_count,
    "startedByMethod": lambda item, _at: StartedBy(item.started_by_method).label,
    "workItemIsOverdue": lambda item, at: item_due_dates.standing(item, at) == Rag.OVERDUE,
    "dueDateIsOverridden": lambda item, _at: item.due_date_overridden,
    "now": lambda _item, at: at,
    "workItemStartDate": lambda item, _at: item.started_at,
    "workItemDueDate": lambda item, _at: item.due_date,
}
_OF_LAST_ACTION: Mapping[str, Callable[[WorkItem, datetime], Any]] = {
    "lastActionName": lambda action, _at: action.work_type.name,
    "lastActionReference": lambda action, _at: action.reference,
    "lastActionStartedByMethod": lambda action, _at: StartedBy(action.started_by_method).label,
    "lastActionStartDate": lambda action, _at: action.started_at,
    "lastActionEndDate": lambda action, _at: action.resolved_on,
    "lastActionCompletedOverdue": lambda action, at: item_due_dates.standing(action, at) == Rag.OVERDUE,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a condition says of an item, and what is wrong with the condition."""

    outcome: Outcome
    findings: list[Finding]


def try_on(guid: UUID, tree: Condition, *, by: Actor) -> Trial:
    """Evaluate a condition against an item that the actor sees, for who builds; raises Forbidden and NotFound."""
    require(by, features.PROCESSES)
    item = queries.item(guid, by=by)
    facts = facts_of(item, [tree], at=clock.now(), data=family_sight.custom_data_shown(item, by=by))
    return Trial(evaluate(tree, facts), check(tree, known_fields(item.process_version)))


@dataclass(slots=True)
class Supposed:
    """What is supposed of the case of a trial, beside what it holds: the action that ended last, the answers to lines of
    checklists, and the tags of files."""

    last_action: WorkItem | None = None
    answers: dict[UUID, str] = field(default_factory=dict)
    file_tags: frozenset[str] = frozenset()


def facts_supposed(case: WorkItem, asked: Iterable[Condition], known: Supposed, *, at: datetime) -> Facts:
    """The same as `facts_of` for a case that is not saved, without a look for it."""
    names = {name for tree in asked for name in fields_of(tree)}
    values: dict[str, Any] = {name: _along(case, path) for name, path in _RELATED.items() if name in names}
    values |= {name: read(case, at) for name, read in _OF_ITEM.items() if name in names}
    last = known.last_action
    wanted = {name: read for name, read in _OF_LAST_ACTION.items() if name in names}
    values |= {name: read(last, at) if last is not None else None for name, read in wanted.items()}
    values |= _custom_data(_custom(names), families.custom_data_of(case))
    lines = {name: _guid(name.removeprefix(ANSWER)) for name in names if name.startswith(ANSWER)}
    values |= {name: known.answers.get(line) for name, line in lines.items() if line is not None}
    return Facts(values, frozenset(map(folding.key, known.file_tags)), item_due_dates.terms_of(case).time_zone)


def _along(row: Any, path: str) -> Any:
    """What lies at the end of a path of relations, None where one of them leads nowhere."""
    for name in path.split("__"):
        row = getattr(row, name) if row is not None else None
    return row


def facts_of(
    item: WorkItem, asked: Iterable[Condition], *, at: datetime, data: Mapping[str, Any] | None = None
) -> Facts:
    """What the fields that conditions name hold for an item at a moment. Fields that do not exist are left out.

    Custom data is that of the item and of its family, or what `data` says of it. The last action is the one of the case that
    ended last. Files are those of the case and of its actions, answers the last ones given there, never those of ad hoc
    actions.
    """
    trees = list(asked)
    names = list(dict.fromkeys(name for tree in trees for name in fields_of(tree)))
    row = _row(item, names)
    values = {name: row[path] for name, path in _RELATED.items() if name in names}
    if "ticketCategory" in names:
        values["ticketCategory"] = LEVELS_JOINED_BY.join(row[path] for path in _LEVELS if row[path])
    values |= {name: read(item, at) for name, read in _OF_ITEM.items() if name in names}
    values |= _of_last_action(item, names, at)
    custom = _custom(names)
    values |= _custom_data(custom, families.custom_data_of(item) if data is None else data)
    values |= _answers(item, [name for name in names if name.startswith(ANSWER)])
    tags = frozenset(folding.key(tag) for tree in trees for tag in tags_of(tree))
    held = files.tag_keys_held(_family(item), tags) if tags else frozenset[str]()
    return Facts(values, held, item_due_dates.terms_of(item).time_zone, _origins(item, custom))


def _row(item: WorkItem, names: list[str]) -> dict[str, Any]:
    """The names around an item that are asked for, in at most one statement."""
    paths = [path for name, path in _RELATED.items() if name in names]
    paths += _LEVELS if "ticketCategory" in names else ()
    row: dict[str, Any] = WorkItem.objects.values(*paths).get(pk=item.pk) if paths else {}
    return row


def _case_of(item: WorkItem) -> int:
    """The key of the case that an item is or, as an action, belongs to."""
    is_action = item.kind == ProcessType.ACTION and item.parent_id is not None
    return item.parent_id if is_action and item.parent_id is not None else item.pk


def _family(item: WorkItem) -> QuerySet[WorkItem, Any]:
    """The case of an item and its actions, or the item alone."""
    case = _case_of(item)
    return WorkItem.objects.filter(Q(pk=case) | Q(parent=case, kind=ProcessType.ACTION)).values("pk")


def _of_last_action(item: WorkItem, names: list[str], at: datetime) -> dict[str, Any]:
    wanted = [name for name in names if name in _OF_LAST_ACTION]
    if not wanted:
        return {}
    ended = WorkItem.objects.filter(parent=_case_of(item), kind=ProcessType.ACTION, resolved_on__isnull=False)
    last = (
        ended.exclude(pk=item.pk)
        .select_related("work_type", "contract", "definition")
        .order_by("-resolved_on", "-pk")
        .first()
    )
    return {name: _OF_LAST_ACTION[name](last, at) if last is not None else None for name in wanted}


def _custom(names: Iterable[str]) -> dict[str, KnownField]:
    """The fields of custom data among the names that conditions use, by these."""
    wanted = [name for name in names if name not in BUILT_IN and not name.startswith(ANSWER)]
    known = data_fields() if wanted else {}
    return {name: known[name] for name in sorted(wanted) if name in known}


def _custom_data(fields: Mapping[str, KnownField], data: Mapping[str, Any]) -> dict[str, Any]:
    kept = {folding.key(name): value for name, value in data.items()} if fields else {}
    return {name: _typed(field, kept.get(folding.key(field.label))) for name, field in fields.items()}


def _origins(item: WorkItem, fields: Mapping[str, KnownField]) -> dict[str, int]:
    """The items where the values of fields were written, without those of the item's own case."""
    written = family_sight.written_at(item) if fields else {}
    found = {name: written.get(field.label) for name, field in fields.items()}
    own = families.origin_of(item)
    return {name: origin for name, origin in found.items() if origin is not None and origin != own}


def _typed(field: KnownField, value: Any) -> Any:
    """A value of custom data in the type of its field; one of another form stays as it is and is not compared."""
    if isinstance(value, list) and field.type == ValueType.TEXT:
        return LEVELS_JOINED_BY.join(map(str, value))
    if not isinstance(value, str) or field.type not in (ValueType.DATE, ValueType.MOMENT):
        return value
    return date.fromisoformat(value) if field.type == ValueType.DATE else datetime.fromisoformat(value)


def _answers(item: WorkItem, names: list[str]) -> dict[str, Any]:
    lines = {name: line for name in names if (line := _guid(name.removeprefix(ANSWER))) is not None}
    if not lines:
        return {}
    given = (
        ChecklistItem.objects.filter(item__parent=_case_of(item), item__ad_hoc=False, line__guid__in=lines.values())
        .exclude(result=ChecklistResult.NONE)
        .order_by("checked_at", "pk")
        .values_list("line__guid", "result")
    )
    last = {line: ChecklistResult(result).label for line, result in given}
    return {name: last.get(line) for name, line in lines.items()}


def _guid(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None
