"""`idle`: what a worker costs while nothing happens."""

from __future__ import annotations

import time

import filling
import rig
from figures import Figure, Given

SECONDS = 10


def measure(given: Given) -> list[Figure]:
    """Wake-ups a second and processor time of a worker with subscriptions and nothing to do."""
    with rig.installation(given.database):
        filling.subscribe(filling.office(1), ["http://127.0.0.1:9/hook"])
        with rig.quiet_worker() as pid:
            begun, ups, spent = time.perf_counter(), rig.wake_ups(pid), rig.processor_seconds(pid)
            time.sleep(SECONDS)
            ups, spent = rig.wake_ups(pid) - ups, rig.processor_seconds(pid) - spent
            took = time.perf_counter() - begun
    return [
        Figure(f"idle.{given.database}.wakeups", ups / took, "wake-ups/s"),
        Figure(f"idle.{given.database}.processor", spent / took * 1e3, "ms/s"),
    ]
