"""Cases that wait: nothing new starts in them, what runs may be finished, and the flow goes on when the waiting ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.rooms.test_flow_runs import KEYS, A, Build, again, build, by, item, start
from tests.support.overlap import overlap
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.rooms.work import commands
from workwire.rooms.work.explained_flow import flow_of
from workwire.rooms.work.models import NodeRun, Status, WorkItem

__all__ = ["build", "by"]


@pytest.fixture
def case(build: Build, by: Actor) -> WorkItem:
    """A running case: a, then b, beside c, then d in the second step."""
    return start(build({"a": (A, 1), "b": (A, 1), "c": (A, 1), "d": (A, 2)}, "a>b"), by)


def open_in(case: WorkItem) -> set[str]:
    """The names of the nodes whose actions are open."""
    nodes = NodeRun.objects.filter(item__parent=case.pk).exclude(item__status=Status.CLOSED)
    names = {key: name for name, key in KEYS.items()}
    return {names[str(node.node)] for node in nodes}


ENDS: dict[str, Callable[[WorkItem, Actor], object]] = {
    "taken": lambda case, by: commands.take(case, by=by),
    "information arrives": lambda case, by: commands.information_arrived(case, by=by),
    "date reached": lambda case, by: commands.date_reached(_locked_when_due(case), by=SYSTEM),
}


def _locked_when_due(case: WorkItem) -> WorkItem:
    WorkItem.objects.filter(pk=case.pk).update(wait_until=clock.now() - timedelta(seconds=1))
    return again(case)


@pytest.mark.parametrize("end", ENDS)
def test_a_case_that_waits_starts_nothing_until_the_waiting_ends(end: str, case: WorkItem, by: Actor) -> None:
    """work-manager STA-12."""
    commands.wait_for_information(case, by=by, until=clock.now() + timedelta(days=1))
    commands.resolve(item(case, "a"), by=by)
    assert open_in(case) == {"c"}
    assert again(case).status == Status.WAITING
    told = sorted(one.code for one in flow_of(case.guid, by=by).waits_for)
    assert told == ["flow_waits.action", "flow_waits.held", "flow_waits.wait"]
    ENDS[end](case, by)
    assert open_in(case) == {"b", "c"}
    assert again(case).status == (
        Status.TO_DO if end in ("information arrives", "date reached") else Status.IN_PROGRESS
    )
    commands.resolve(item(case, "b"), by=by)
    commands.resolve(item(case, "c"), by=by)
    commands.resolve(item(case, "d"), by=by)
    assert again(case).status == Status.CLOSED
    assert not NodeRun.objects.filter(item=None).exists()


def test_the_next_step_is_entered_and_begins_when_the_waiting_ends(case: WorkItem, by: Actor) -> None:
    """work-manager STA-12."""
    for name in ("a", "b"):
        commands.resolve(item(case, name), by=by)
    commands.wait_until(case, clock.now() + timedelta(days=1), by=by)
    commands.resolve(item(case, "c"), by=by)
    assert open_in(case) == set()
    commands.take(case, by=by)
    assert open_in(case) == {"d"}


def test_a_case_that_waits_for_a_sub_case_holds_its_flow(case: WorkItem, build: Build, by: Actor) -> None:
    """work-manager STA-12."""
    below = commands.launch_sub_case(case, build({"z": (A, 1)}).guid, "Below", by=by)
    commands.resolve(item(case, "a"), by=by)
    assert open_in(case) == {"c"}
    commands.resolve(item(below, "z"), by=by)
    assert (again(case).status, open_in(case)) == (Status.IN_PROGRESS, {"b", "c"})


def test_what_was_held_is_forgotten_by_rework_and_by_the_end(case: WorkItem, by: Actor) -> None:
    """work-manager STA-12, REW-4."""
    commands.wait_for_information(case, by=by)
    commands.resolve(item(case, "a"), by=by)
    commands.rework(case, 1, by=by)
    assert open_in(case) == {"a", "c"}
    commands.wait_for_information(case, by=by)
    commands.resolve(item(case, "a", 2), by=by)
    commands.abort(case, by=by)
    assert again(case).status == Status.CLOSED
    assert open_in(case) == set()


def test_a_case_in_trouble_waits_no_more_and_starts_what_was_held(case: WorkItem, by: Actor) -> None:
    commands.wait_for_information(case, by=by)
    commands.resolve(item(case, "a"), by=by)
    commands.complete_unsuccessfully(item(case, "c"), by=by)
    assert (again(case).status, open_in(case)) == (Status.TO_DO, {"b"})


@pytest.mark.django_db(transaction=True)
def test_what_is_finished_while_the_waiting_ends_goes_on_once(case: WorkItem, by: Actor) -> None:
    """work-manager STA-12."""
    commands.wait_for_information(case, by=by)
    action = item(case, "a")
    overlap(lambda: commands.resolve(action, by=by), lambda: commands.information_arrived(case, by=SYSTEM))
    assert open_in(case) == {"b", "c"}
