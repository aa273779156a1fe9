"""What remains of a time, in words."""

from __future__ import annotations

from datetime import timedelta

from workwire.web.kit.parts import remaining


def test_what_remains_is_said_in_two_units() -> None:
    said = {
        timedelta(days=2, hours=5, minutes=50): "2 days 5 h",
        timedelta(hours=23, minutes=59, seconds=59): "23 h 59 min",
        timedelta(hours=3): "3 h",
        timedelta(minutes=61): "1 h 1 min",
        timedelta(seconds=5): "1 min",
    }
    assert {duration: remaining(duration) for duration in said} == said
