"""Changes of one case beside each other on PostgreSQL: its flow goes on once, whoever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from tests.conftest import ON_POSTGRES
from tests.support.beside import Beside
from tests.support.organisation import Customer
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict
from workwire.kernel.ids import new_guid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.flow_graphs import Edge, Node, NodeKind
from workwire.rooms.offering.models import ProcessType, ServiceLine, VersionState, WorkType
from workwire.rooms.work import commands
from workwire.rooms.work.models import FlowRun, NodeRun, ResolutionMethod, Status, WorkItem

pytestmark = [
    pytest.mark.skipif(not ON_POSTGRES, reason="the embedded database lets one write at a time"),
    pytest.mark.django_db(transaction=True),
]
LEFT, RIGHT, MERGE, LAST, NEXT = (str(new_guid()) for _ in range(5))


@pytest.fixture
def beside() -> Iterator[Beside]:
    """Threads that have ended when the test has."""
    with ThreadPoolExecutor(2) as pool:
        yield Beside(pool)


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def case(actors: dict[str, Actor], first: Customer, by: Actor) -> WorkItem:
    """A running case: two actions beside each other lead to a merge with one more action, then there is a second step."""
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    offered = offering.create_work_type(ServiceLine.objects.get(), ProcessType.CASE, "Two at once", by=admin)
    version = offering.create_version(offering.create_process(first.service, offered, by=admin), by=admin)
    places = {LEFT: 1, RIGHT: 1, LAST: 1, NEXT: 2}
    nodes = [Node(key, NodeKind.ACTION, step) for key, step in places.items()]
    wish = offering.FlowWish(
        [offering.StepWish("Prepare"), offering.StepWish("Carry out")],
        [*nodes, Node(MERGE, NodeKind.MERGE, 1, "Both are ready")],
        [Edge(LEFT, MERGE), Edge(RIGHT, MERGE), Edge(MERGE, LAST)],
        {key: offering.ActionWish(kind) for key in places},
    )
    offering.save_flow(version, wish, by=admin)
    offering.set_version_state(version, VersionState.LIVE, by=admin)
    return commands.create_case(version.guid, by=by, title="Two at once", submit=True)


def _action(case: WorkItem, node: str, in_pass: int = 1) -> WorkItem:
    return WorkItem.objects.get(node_run__run__case=case, node_run__node=node, node_run__in_pass=in_pass)


def _open(case: WorkItem) -> list[str]:
    found = NodeRun.objects.filter(run__case=case, item__isnull=False).exclude(item__status=Status.CLOSED)
    return [str(node) for node in found.order_by("pk").values_list("node", flat=True)]


def test_of_two_that_finish_the_last_actions_before_a_merge_the_second_starts_what_follows_once(
    case: WorkItem, by: Actor, beside: Beside
) -> None:
    left, right = _action(case, LEFT), _action(case, RIGHT)
    with transaction.atomic():
        commands.resolve(left, by=by)
        meanwhile = beside.start_and_block(lambda: commands.resolve(right, by=by))
        assert _open(case) == [RIGHT]
    meanwhile.result(10)
    assert _open(case) == [LAST]
    assert WorkItem.objects.filter(parent=case).count() == 3
    assert NodeRun.objects.filter(run__case=case, node=MERGE).count() == 1


def test_a_finish_that_an_abort_came_before_is_refused_and_starts_nothing(
    case: WorkItem, by: Actor, beside: Beside
) -> None:
    commands.resolve(_action(case, LEFT), by=by)
    last = _action(case, RIGHT)
    with transaction.atomic():
        commands.abort(case, by=by)
        meanwhile = beside.start_and_block(lambda: commands.resolve(last, by=by))
    with pytest.raises(Conflict):
        meanwhile.result(10)
    assert _open(case) == []
    assert WorkItem.objects.filter(parent=case).count() == 2
    assert WorkItem.objects.get(pk=last.pk).resolution_method == ResolutionMethod.CANCELLED


def test_an_abort_that_a_finish_came_before_closes_what_that_started(case: WorkItem, by: Actor, beside: Beside) -> None:
    commands.resolve(_action(case, LEFT), by=by)
    with transaction.atomic():
        commands.resolve(_action(case, RIGHT), by=by)
        meanwhile = beside.start_and_block(lambda: commands.abort(case, by=by))
    meanwhile.result(10)
    assert _open(case) == []
    started = _action(case, LAST)
    assert (started.status, started.resolution_method) == (Status.CLOSED, ResolutionMethod.CANCELLED)
    assert FlowRun.objects.get(case=case).phase == "over"


def test_a_finish_that_rework_came_before_is_refused_and_the_copy_is_still_to_do(
    case: WorkItem, by: Actor, beside: Beside
) -> None:
    commands.resolve(_action(case, LEFT), by=by)
    late = _action(case, RIGHT)
    with transaction.atomic():
        commands.rework(case, 1, by=by)
        meanwhile = beside.start_and_block(lambda: commands.resolve(late, by=by))
    with pytest.raises(Conflict):
        meanwhile.result(10)
    assert _open(case) == [LEFT, RIGHT]
    assert _action(case, RIGHT, 2).status == Status.TO_DO


def test_of_two_that_let_a_case_go_on_one_is_refused(case: WorkItem, by: Actor, beside: Beside) -> None:
    """Both saw that the step failed; the next step begins once."""
    commands.complete_unsuccessfully(_action(case, LEFT), by=by)
    commands.complete_unsuccessfully(_action(case, RIGHT), by=by)
    with transaction.atomic():
        commands.start_next_step(case, by=by)
        meanwhile = beside.start_and_block(lambda: commands.start_next_step(case, by=by))
    with pytest.raises(Conflict) as refusal:
        meanwhile.result(10)
    assert refusal.value.code == "step_not_done"
    assert _open(case) == [NEXT]
