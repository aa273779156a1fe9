"""The only writer of time sessions and of expected times."""

from workwire.rooms.effort.commands.clocks import ENDING, FORGOTTEN, correct, end_forgotten, pause, start, stop
from workwire.rooms.effort.commands.estimating import expect, expect_of_rest

__all__ = [
    "ENDING",
    "FORGOTTEN",
    "correct",
    "end_forgotten",
    "expect",
    "expect_of_rest",
    "pause",
    "start",
    "stop",
]
