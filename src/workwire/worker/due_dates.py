"""Due dates that pass: told once, by the system.

Nearly every item has a due date and hardly any passes it, so no timer is written for each: an index holds those that may
still pass, soonest first.
"""

from __future__ import annotations

import logging

from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM
from workwire.kernel.errors import Conflict, NotFound
from workwire.kernel.statements import is_away
from workwire.rooms.work import commands, queries

logger = logging.getLogger(__name__)
BATCH = 100
EVERY = 5.0  # seconds between looks when nothing more has passed


def turn() -> float:
    """Tell of a batch of due dates, each in a transaction of its own; returns in how many seconds there may be more."""
    passed = list(queries.dues_passed(clock.now())[:BATCH])
    told = 0
    for item in passed:
        try:
            commands.due_date_passed(item, by=SYSTEM)
            told += 1
        except (Conflict, NotFound):
            logger.info("%s was moved by somebody else meanwhile", item)
        except Exception as error:  # whatever it was, it holds up no other item
            if is_away(error):
                raise
            logger.error("it cannot be told that the due date of %s has passed", item, exc_info=error)
    return 0.0 if told == BATCH else EVERY
