"""How values of enumerations are written in this API: in lower case with underscores, in both directions.

Members keep their own names, so a new member of an enumeration needs nothing here.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from workwire.access.sight import filter_objects
from workwire.kernel.actor import UserType
from workwire.outbox.registry import Area, event_types
from workwire.reactions.webhooks.models import State
from workwire.rooms.commitments.rules import Override
from workwire.rooms.conversations.queries import CommunicationType, Importance, SendStatus
from workwire.rooms.files.queries import Source
from workwire.rooms.offering.queries import FieldKind, ProcessType, ScheduleState, VersionState
from workwire.rooms.work.queries import (
    ChecklistResult,
    Rag,
    ResolutionMethod,
    StartedBy,
    Status,
    StatusReason,
    WaitType,
)
from workwire.rooms.work.relations import NAMES

E = TypeVar("E", bound=Enum)


def spelled(member: Enum) -> str:
    """A member as this API writes it."""
    return member.name.lower()


def chosen(kind: type[E], written: str) -> E:
    """The member that is written so; KeyError for none, which the schema has refused before."""
    return kind[written.upper()]


def _names(members: Any) -> Any:
    return Literal[tuple(spelled(member) for member in members)]


if TYPE_CHECKING:
    AreaName: TypeAlias = str
    ChecklistResultName: TypeAlias = str
    CommunicationTypeName: TypeAlias = str
    EventName: TypeAlias = str
    FieldKindName: TypeAlias = str
    FilterName: TypeAlias = str
    ImportanceName: TypeAlias = str
    KindName: TypeAlias = str
    OverrideName: TypeAlias = str
    RagName: TypeAlias = str
    RelationName: TypeAlias = str
    ResolutionMethodName: TypeAlias = str
    ScheduleStateName: TypeAlias = str
    SendStatusName: TypeAlias = str
    SourceName: TypeAlias = str
    StartedByName: TypeAlias = str
    StateName: TypeAlias = str
    StatusName: TypeAlias = str
    StatusReasonName: TypeAlias = str
    UserTypeName: TypeAlias = str
    VersionStateName: TypeAlias = str
    WaitTypeName: TypeAlias = str
else:
    AreaName = _names(Area)
    ChecklistResultName = _names(ChecklistResult)
    CommunicationTypeName = _names(CommunicationType)
    EventName = Literal[tuple(sorted(event_types()))]
    FieldKindName = _names(FieldKind)
    FilterName = _names(kind.type for kind in filter_objects())
    ImportanceName = _names(Importance)
    KindName = _names(ProcessType)
    OverrideName = _names(Override)
    RagName = _names(Rag)
    RelationName = Literal[NAMES]
    ResolutionMethodName = _names(ResolutionMethod)
    ScheduleStateName = _names(ScheduleState)
    SendStatusName = _names(SendStatus)
    SourceName = _names(Source)
    StartedByName = _names(StartedBy)
    StateName = _names(State)
    StatusName = _names(Status)
    StatusReasonName = _names(StatusReason)
    UserTypeName = _names(UserType)
    VersionStateName = _names(VersionState)
    WaitTypeName = _names(WaitType)
