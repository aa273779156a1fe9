"""The fields that conditions know: their names, types and where they come from. Pure.

A name is written in square brackets, ``[customerName]``, upper and lower case told apart. The fields of the product come
first; a custom data field has its name in the same form, with a number behind it where that is taken by an earlier one. Names
of data fields never change and none is removed, so that a name means the same for ever. The answer to a checklist line is
named by the line's GUID, ``[answer.3f2c…]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from workwire.rooms.offering.conditions.value_types import ANSWERS, OF_KIND, ValueType
from workwire.rooms.offering.models import FieldKind

ANSWER = "answer."
LONGEST_DATA_NAME = 100


class Source(StrEnum):
    """Where the value of a field comes from."""

    PLATFORM = "platform"
    WORK_ITEM = "work_item"
    DATES = "dates"
    CUSTOM_DATA = "custom_data"
    CHECKLIST = "checklist"


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field that conditions may name. `choices` are the only values it has, if there are so few; a `retired` one keeps its
    values, but is not for new conditions."""

    name: str
    type: ValueType
    source: Source
    label: str = ""
    choices: tuple[str, ...] = ()
    retired: bool = False


KnownFields = Mapping[str, KnownField]


STARTED_BY = (
    "ByWorkflow",
    "ByOperationalUser",
    "BySelfServiceUser",
    "ByRobotUser",
    "ByEmail",
    "FromTicket",
    "ByOperationalUserInBulk",
    "ByRobotUserInBulk",
    "BySchedule",
)  # the documented names of what starts work


def _field(
    name: str, type_: ValueType, source: Source, label: str, choices: tuple[str, ...] = ()
) -> tuple[str, KnownField]:
    return name, KnownField(name, type_, source, label, choices)


BUILT_IN: KnownFields = dict(
    [
        _field("customerName", ValueType.TEXT, Source.PLATFORM, "Name of the customer"),
        _field("supplierName", ValueType.TEXT, Source.PLATFORM, "Name of the supplier of the contract"),
        _field("contractName", ValueType.TEXT, Source.PLATFORM, "Name of the contract"),
        _field("serviceName", ValueType.TEXT, Source.PLATFORM, "Name of the service"),
        _field("serviceLineName", ValueType.TEXT, Source.PLATFORM, "Name of the service line"),
        _field("processName", ValueType.TEXT, Source.PLATFORM, "Name of the ticket or case type"),
        _field("workItemReference", ValueType.TEXT, Source.WORK_ITEM, "Reference"),
        _field("workItemTitle", ValueType.TEXT, Source.WORK_ITEM, "Title"),
        _field("workItemDescription", ValueType.TEXT, Source.WORK_ITEM, "Description"),
        _field("ticketCategory", ValueType.TEXT, Source.WORK_ITEM, "Category, its levels joined by ' > '"),
        _field("recordCount", ValueType.NUMBER, Source.WORK_ITEM, "Record count"),
        _field("startedByMethod", ValueType.TEXT, Source.WORK_ITEM, "What it was started by", STARTED_BY),
        _field("workItemSchedulePeriod", ValueType.TEXT, Source.WORK_ITEM, "Period of its schedule"),
        _field("scheduleYear", ValueType.NUMBER, Source.WORK_ITEM, "Year of its schedule period"),
        _field("workItemIsOverdue", ValueType.FLAG, Source.WORK_ITEM, "Whether it is past its due date"),
        _field("dueDateIsOverridden", ValueType.FLAG, Source.WORK_ITEM, "Whether its due date was set by hand"),
        _field("lastActionName", ValueType.TEXT, Source.WORK_ITEM, "Type of the action that ended last"),
        _field("lastActionReference", ValueType.TEXT, Source.WORK_ITEM, "Reference of the action that ended last"),
        _field(
            "lastActionStartedByMethod",
            ValueType.TEXT,
            Source.WORK_ITEM,
            "What the last action was started by",
            STARTED_BY,
        ),
        _field("lastActionCompletedOverdue", ValueType.FLAG, Source.WORK_ITEM, "Whether the last action ended late"),
        _field("now", ValueType.MOMENT, Source.DATES, "The moment of the evaluation"),
        _field("workItemStartDate", ValueType.MOMENT, Source.DATES, "When it was started"),
        _field("workItemDueDate", ValueType.MOMENT, Source.DATES, "When it is due"),
        _field("lastActionStartDate", ValueType.MOMENT, Source.DATES, "When the last action was started"),
        _field("lastActionEndDate", ValueType.MOMENT, Source.DATES, "When the last action ended"),
    ]
)


@dataclass(frozen=True, slots=True)
class DataFieldShape:
    """What conditions need of a custom data field."""

    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    retired: bool = False


def of_data_fields(fields: Iterable[DataFieldShape]) -> dict[str, KnownField]:
    """The custom data fields by their names in conditions; `fields` in the order in which they were made."""
    found: dict[str, KnownField] = {}
    for field in fields:
        name = _free(camel_case(field.name), found)
        found[name] = KnownField(
            name, OF_KIND[field.kind], Source.CUSTOM_DATA, field.name, field.choices, field.retired
        )
    return found


def of_answer(line: UUID, label: str) -> KnownField:
    """The answer to a checklist line of an earlier step."""
    return KnownField(f"{ANSWER}{line}", ValueType.ANSWER, Source.CHECKLIST, label, ANSWERS)


def camel_case(name: str) -> str:
    """A name as conditions write it: its words together, the first in lower case, the others with a capital."""
    words = re.findall(r"\w+", name.replace("_", " ")) or ["field"]
    first = words[0].lower() if words[0].isupper() else words[0][:1].lower() + words[0][1:]
    return "".join([first, *(word[:1].upper() + word[1:] for word in words[1:])])[:LONGEST_DATA_NAME]


def _free(name: str, taken: Mapping[str, KnownField]) -> str:
    number, free = 1, name
    while free in taken or free in BUILT_IN:
        number += 1
        free = f"{name}{number}"
    return free
