"""What people do to jobs; what becomes of a job by itself is in its row."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


@event("JobCancelled")
class JobCancelled(EventBody):
    """Somebody cancelled a job; it ends where its next piece would begin."""

    area = Area.SETTINGS

    GUID: str
    Kind: str
    Subject: str | None
