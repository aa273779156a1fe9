"""Standing jobs, run when a test wants it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workwire.jobs import commands, running
from workwire.jobs.kinds import kinds
from workwire.jobs.models import Job, JobState
from workwire.kernel import clock


def run(name: str) -> dict[str, Any]:
    """Run a standing job to the end of its run now, and no other of its lane; returns what it tells of it."""
    lane = kinds()[name].lane
    commands.plan(lane)
    Job.objects.filter(lane=lane).exclude(kind=name).update(ready_at=clock.now() + timedelta(days=1))
    Job.objects.filter(kind=name, standing=True).update(ready_at=clock.now())
    while running.turn(lane) == 0.0:
        pass
    done = Job.objects.get(kind=name, standing=True)
    assert (done.state, done.error_code) == (JobState.WAITING, ""), (done.state, done.error_code, done.error_text)
    return dict(done.result)
