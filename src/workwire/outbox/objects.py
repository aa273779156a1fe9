"""The kinds of record that events speak of, and the kinds of object that subscriptions may be for.

A room registers its kinds of object once, in its queries; nobody else lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.db.models import Exists, Q, QuerySet

from workwire.kernel.actor import Actor


class ObjectType(IntEnum):
    """Documented object type numbers, beside our own (above 1,000) for records that are no filter objects."""

    NONE = 0
    COMPANY = 31
    PACKET = 81
    CONTRACT = 215
    SERVICE = 217
    SCHEDULE = 260
    COMMUNICATION = 1001
    SERVICE_LINE = 1002
    WORK_TYPE = 1003
    PROCESS = 1004
    PROCESS_VERSION = 1005
    USER = 1006
    ROLE = 1007
    USER_GROUP = 1008
    CREDENTIAL = 1009
    SUBSCRIPTION = 1010
    CONTACT = 1011
    CALENDAR = 1012
    FILE_TAG = 1013
    TEMPORARY_FILE = 1014
    QUEUE = 1015
    CONTACT_TAG = 1016
    DATA_FIELD = 1017
    JOB = 1018
    SETTING = 1019

    @property
    def public_name(self) -> str:
        """The name the documented API uses."""
        return self.name.title().replace("_", "")


@dataclass(frozen=True, slots=True)
class FilterObject:
    """A kind of object that a subscription may be for.

    `column` of the ledger names the object an event lies under. `with_guid` gives its rows by a GUID that may be a column of
    an outer query, `seen_by` the condition that an account may see the row of the outer query, `find` one object as an actor
    (raises NotFound); `visible_to` gives those an actor may see, `matching` the condition that one is called like a text, and
    `name` what people call it. Whoever sees the object that `record_column` names sees the events of `records`.
    """

    type: ObjectType
    column: str
    with_guid: Callable[[Any], QuerySet[Any]]
    seen_by: Callable[[Any], Exists | Q]
    find: Callable[..., Any]
    visible_to: Callable[[Actor], QuerySet[Any]]
    matching: Callable[[str], Q]
    name: Callable[[Any], str] = str
    records: Sequence[ObjectType] = ()
    record_column: str = "record_guid"


_filter_objects: dict[ObjectType, FilterObject] = {}


def register(kind: FilterObject) -> None:
    """Let subscriptions be for a kind of object; raises ValueError for one that is registered already."""
    if kind.type in _filter_objects:
        raise ValueError(f"{kind.type.public_name} is registered twice")
    _filter_objects[kind.type] = kind


def filter_objects() -> list[FilterObject]:
    """All that rooms registered, in the order of their documented numbers."""
    return [kind for _, kind in sorted(_filter_objects.items())]


def filter_object(number: int) -> FilterObject:
    """The kind of object with a number; raises KeyError for a type of record that is none."""
    return _filter_objects[ObjectType(number)]
