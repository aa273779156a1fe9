"""What happens to time sessions. No webhook tells of it: it is about people, not about work."""

from __future__ import annotations

from workwire.outbox.registry import Area, EventBody, event


class TimeSessionBody(EventBody):
    """A time session as of the event; `Seconds` are those that count, corrections included."""

    area = Area.DATA
    is_about_people = True

    GUID: str
    PacketGUID: str
    UserGUID: str
    Seconds: int
    Running: bool
    Ended: bool


@event("TimeSessionStarted")
class TimeSessionStarted(TimeSessionBody):
    """A time session began, or went on after a pause."""


@event("TimeSessionPaused")
class TimeSessionPaused(TimeSessionBody):
    """A time session paused."""


@event("TimeSessionEnded")
class TimeSessionEnded(TimeSessionBody):
    """A time session ended, by hand or because it was forgotten."""


@event("TimeSessionCorrected")
class TimeSessionCorrected(TimeSessionBody):
    """The time of a session was corrected; what was counted is kept."""
