"""What happens to followers and focus lists. No webhook tells of it: it is about people, not about work."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


class FollowerBody(EventBody):
    """An account and a work item."""

    area = Area.DATA
    is_about_people = True

    PacketGUID: str
    UserGUID: str


@event("WorkItemFollowed")
class WorkItemFollowed(FollowerBody):
    """An account follows a work item."""


@event("WorkItemUnfollowed")
class WorkItemUnfollowed(FollowerBody):
    """An account follows a work item no more, by its own wish or because the item is closed."""


@event("FocusListChanged")
class FocusListChanged(EventBody):
    """The focus list of an account changed; the work items in their order."""

    area = Area.DATA
    is_about_people = True

    UserGUID: str
    PacketGUIDs: list[str]
