"""The lanes in which jobs are done, a thread for each."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection

from workwire.jobs import commands, kinds, running
from workwire.kernel import clock
from workwire.worker.intervals import Rhythm
from workwire.worker.lanes import Lane

logger = logging.getLogger(__name__)
COMPLETED_EVERY = timedelta(minutes=5)


def job_lanes() -> list[Lane]:
    """All lanes in which jobs are done here."""
    return [Lane(f"jobs: {name}", JobLane(name).turn) for name in kinds.lanes()]


class JobLane:
    """Does the jobs of a lane; looks first for what a worker before this one left claimed, and now and then for jobs that are
    missing, because a process of an older release made their records."""

    def __init__(self, name: str) -> None:
        self._name, self._is_prepared, self._completes = name, False, Rhythm(COMPLETED_EVERY)

    def turn(self) -> float:
        """Do a piece of what is ready; seconds until the next look."""
        if not self._is_prepared:
            if connection.vendor != "postgresql":
                running.free(self._name)
            commands.plan(self._name)
            self._is_prepared = True
        if self._completes.is_due(now := clock.now()):
            if made := commands.complete(self._name):
                logger.info("%d jobs of an older release were made in the lane %s", made, self._name)
            self._completes.done(now)
        return running.turn(self._name)
