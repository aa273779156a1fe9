"""What happens to defect categories and parties at fault; defects are changes of their work item."""

from __future__ import annotations

from workwire.outbox.registry import EventBody, event


class DefectCategoryBody(EventBody):
    """A defect category as of the event."""

    GUID: str
    Name: str
    ServiceLineGUID: str
    ParentGUID: str | None
    Retired: bool


@event("DefectCategoryCreated")
class DefectCategoryCreated(DefectCategoryBody):
    """A defect category was made."""


@event("DefectCategoryUpdated")
class DefectCategoryUpdated(DefectCategoryBody):
    """A defect category changed."""


class DefectPartyBody(EventBody):
    """A party at fault as of the event."""

    GUID: str
    Name: str
    Retired: bool


@event("DefectPartyCreated")
class DefectPartyCreated(DefectPartyBody):
    """A party at fault was made."""


@event("DefectPartyUpdated")
class DefectPartyUpdated(DefectPartyBody):
    """A party at fault changed."""
