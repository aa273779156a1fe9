"""What happens to calendars."""

from __future__ import annotations

from workwire.outbox.registry import EventBody, event


class CalendarBody(EventBody):
    """A calendar as of the event."""

    GUID: str
    Name: str


@event("CalendarCreated")
class CalendarCreated(CalendarBody):
    """A calendar was made."""


@event("CalendarUpdated")
class CalendarUpdated(CalendarBody):
    """A calendar changed; due dates that were set before stay."""
