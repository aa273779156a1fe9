"""`cases`: what the deeds of a case's life cost in an installation with many running cases, and with few.

A case has two actions side by side; when both are done a third begins. Measured are starting a case, finishing an action,
getting work, and the clock telling that due dates have passed, each by its command in this process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import filling
import rig
from figures import Figure, Given, check, say

if TYPE_CHECKING:
    from workwire.rooms.work.models import WorkItem

MODELS, FEW = 20, 1_000  # cases that are copied at a time, and running cases of the small installation
DEEDS = ("start", "finish", "get", "due")


def measure(given: Given) -> list[Figure]:
    """Each deed with few running cases and with many."""
    many, times = given.size(100_000, 3_000), given.size(100, 10)
    with rig.installation(given.database):
        office = filling.office(1)
        _grow(office, FEW)
        small = _look(office, times)
        _grow(office, many - FEW)
        large = _look(office, times)
    figures = []
    for deed in DEEDS:
        say(f"  {deed}: {small[deed]:.2f} ms, then {large[deed]:.2f} ms")
        name = f"cases.{given.database}.{deed}"
        figures += [Figure(f"{name}.few", small[deed], "ms"), Figure(f"{name}.many", large[deed], "ms", at=many)]
    return figures


def _grow(office: filling.Office, count: int) -> None:
    """Let so many more cases run: some that are started now, and copies of them."""
    models = [_start(office) for _ in range(MODELS)]
    filling.add_cases(models, count - MODELS)


def _look(office: filling.Office, times: int) -> dict[str, float]:
    """Milliseconds that each deed takes, the median of several; what it does is undone by nothing, but it is little."""
    from workwire.rooms.work import commands as work
    from workwire.rooms.work.models import Status, WorkItem

    rig.vacuum()
    _check_flows(office)
    actions = iter(_spread(WorkItem.objects.filter(definition__isnull=False, status=Status.TO_DO), times + 1))

    def finish() -> None:
        before = next(actions)
        work.resolve(before, by=office.member)

    def get() -> None:
        check(work.get_more_work(by=office.member) is not None, "there was no work to get")

    return {
        "start": _median(lambda: _start(office), times),
        "finish": _median(finish, times),
        "get": _median(get, times),
        "due": _due(times),
    }


def _median(deed: Callable[[], object], times: int) -> float:
    """Milliseconds; the first time does not count, for it composes its queries."""
    took = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        deed()
        took.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(took[1:])


def _due(times: int) -> float:
    """Milliseconds for each item of which the clock tells that its due date has passed, all at one moment."""
    from workwire.kernel import clock
    from workwire.rooms.work import queries
    from workwire.rooms.work.models import Status, WorkItem
    from workwire.worker import due_dates

    passed = _spread(WorkItem.objects.filter(status=Status.TO_DO, due_passed=False), due_dates.BATCH * times // 10)
    moment = clock.now() - timedelta(seconds=1)
    WorkItem.objects.filter(pk__in=[item.pk for item in passed]).update(due_date=moment)
    begun = time.perf_counter()
    while due_dates.turn() == 0.0:
        pass
    took = time.perf_counter() - begun
    check(not queries.dues_passed(clock.now()).exists(), "due dates that have passed were not told")
    return took * 1e3 / len(passed)


def _start(office: filling.Office) -> WorkItem:
    from workwire.rooms.work import commands as work

    version = office.customer.case_version.guid
    return work.create_case(version, by=office.member, title="A desk for the new office", submit=True)


def _spread(items: Any, count: int) -> list[WorkItem]:
    """Some items from all over a list."""
    keys = list(items.order_by("pk").values_list("pk", flat=True))
    check(len(keys) >= count, f"{len(keys)} items are fewer than {count}")
    chosen = keys[:: len(keys) // count][:count]
    return list(items.filter(pk__in=chosen).order_by("pk"))


def _check_flows(office: filling.Office) -> None:
    """A copied case goes on as any other: when both of its actions are done, the third begins."""
    from workwire.rooms.work import commands as work
    from workwire.rooms.work.models import FlowRun

    copied = FlowRun.objects.order_by("-pk")[0].case
    for action in copied.children.order_by("pk"):
        work.resolve(action, by=office.member)
    check(copied.children.count() == 3, "a copied case did not go on")
