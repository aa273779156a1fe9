"""What happens to service lines, work types and processes; schedules have the documented business object events."""

from __future__ import annotations

from workwire.outbox.registry import EventBody, event


class CatalogueBody(EventBody):
    """A part of the catalogue as of the event."""

    GUID: str
    Name: str


@event("ServiceLineCreated")
class ServiceLineCreated(CatalogueBody):
    """A service line was made."""


@event("WorkTypeCreated")
class WorkTypeCreated(CatalogueBody):
    """A ticket type, case type or action type was made."""

    ServiceLineGUID: str
    ProcessType: int


@event("ProcessCreated")
class ProcessCreated(CatalogueBody):
    """A ticket type or case type was offered under a service."""

    ServiceGUID: str


class VersionBody(CatalogueBody):
    """A process version as of the event."""

    ProcessGUID: str
    Number: int
    State: int


@event("ProcessVersionCreated")
class ProcessVersionCreated(VersionBody):
    """A draft of a process was begun."""


@event("ProcessVersionChanged")
class ProcessVersionChanged(VersionBody):
    """A draft got other content, or a version another state; `Change` says what."""

    Change: str
