"""How runs of cases are kept: their rows, merges, ends, empty steps, attention, and cases of an earlier release."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Q

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import sessions
from workwire.access.models import Role
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.kernel.ids import new_guid
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import conditions
from workwire.rooms.offering.findings import Severity, blocking
from workwire.rooms.offering.flow_graphs import Branch, Edge, Node, NodeKind, WhenEmpty
from workwire.rooms.offering.models import (
    FieldKind,
    FlowEdge,
    FlowNode,
    ProcessType,
    ProcessVersion,
    ServiceLine,
    VersionState,
    WorkType,
)
from workwire.rooms.offering.version_findings import findings
from workwire.rooms.work import commands
from workwire.rooms.work.explained_flow import flow_of
from workwire.rooms.work.models import ConditionEvaluation, FlowRun, NodeRun, Status, StatusReason, WaitType, WorkItem

A, C, M, E = NodeKind.ACTION, NodeKind.CONDITION, NodeKind.MERGE, NodeKind.END
Build = Callable[..., ProcessVersion]
KEYS = {name: str(new_guid()) for name in ("a", "b", "c", "d", "m", "e", "z")}


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def build(actors: dict[str, Actor], first: Customer) -> Build:
    """A live case version with a graph: nodes by name with their kind and step, edges as ``a>b``."""
    admin, line = actors["administrator"], ServiceLine.objects.get()
    process = offering.create_process(
        first.service, offering.create_work_type(line, ProcessType.CASE, "Graph", by=admin), by=admin
    )
    kind = WorkType.objects.get(name="Check Budget")

    def make(nodes: dict[str, tuple[NodeKind, int]], *edges: str, **steps: Any) -> ProcessVersion:
        version = offering.create_version(process, by=admin)
        offering.save_flow(version, wish_of(kind, nodes, *edges, **steps), by=admin)
        return offering.set_version_state(version, VersionState.LIVE, by=admin)

    return make


def wish_of(
    kind: WorkType, nodes: dict[str, tuple[NodeKind, int]], *edges: str, **steps: dict[str, Any]
) -> offering.FlowWish:
    """A flow to save; `steps` are what differs for a step, by its name ``step_1``."""
    last = max([step for _, step in nodes.values()] + [int(name.removeprefix("step_")) for name in steps])
    return offering.FlowWish(
        [offering.StepWish(f"Step {n}", **steps.get(f"step_{n}", {})) for n in range(1, last + 1)],
        [Node(KEYS[name], node_kind, step, name) for name, (node_kind, step) in nodes.items()],
        [Edge(KEYS[edge[0]], KEYS[edge[-1]]) for edge in edges],
        {KEYS[name]: offering.ActionWish(kind) for name, (node_kind, _) in nodes.items() if node_kind == A},
    )


def start(version: ProcessVersion, by: Actor) -> WorkItem:
    return commands.create_case(version.guid, by=by, title="Graph", submit=True)


def item(case: WorkItem, name: str, in_pass: int = 1) -> WorkItem:
    """The action of a node of a case."""
    return WorkItem.objects.get(node_run__run__case=case, node_run__node=KEYS[name], node_run__in_pass=in_pass)


def running(case: WorkItem) -> set[str]:
    names = {key: name for name, key in KEYS.items()}
    found = NodeRun.objects.filter(run__case=case, state="running", replaced_at=None).values_list("node", flat=True)
    return {names[str(key)] for key in found}


def again(case: WorkItem) -> WorkItem:
    return WorkItem.objects.get(pk=case.pk)


def test_a_merge_starts_its_action_once_all_parallel_branches_are_done(build: Build, by: Actor) -> None:
    """Builder MG-1, MG-2."""
    case = start(build({"a": (A, 1), "b": (A, 1), "m": (M, 1), "z": (A, 1)}, "a>m", "b>m", "m>z"), by)
    assert (case.status, running(case)) == (Status.IN_PROGRESS, {"a", "b"})
    commands.resolve(item(case, "a"), by=by)
    assert running(case) == {"b"}
    commands.resolve(item(case, "b"), by=by)
    assert running(case) == {"z"}
    commands.resolve(item(case, "z"), by=by)
    assert again(case).status == Status.CLOSED
    states = dict(NodeRun.objects.filter(run__case=case).values_list("node", "state"))
    assert {str(key): state for key, state in states.items()} == dict.fromkeys((KEYS[n] for n in "abmz"), "done")


def test_an_end_lets_be_finished_what_runs_and_closes_the_case(build: Build, by: Actor) -> None:
    """Builder EC-2."""
    case = start(build({"a": (A, 1), "e": (E, 1), "b": (A, 1), "c": (A, 1)}, "a>e", "b>c"), by)
    commands.resolve(item(case, "a"), by=by)
    assert (again(case).status, running(case)) == (Status.IN_PROGRESS, {"b"})
    commands.resolve(item(case, "b"), by=by)
    assert (again(case).status, again(case).status_reason) == (Status.CLOSED, StatusReason.ALL_CHILDREN_COMPLETED)
    assert not NodeRun.objects.filter(run__case=case, node=KEYS["c"]).exists()


@pytest.mark.parametrize("ends", [True, False])
def test_an_end_of_a_sub_case_leaves_the_case_above_and_linked_items_alone(build: Build, by: Actor, ends: bool) -> None:
    """Builder EC-4: the case above goes on just as after a sub-case that has no end, and its actions, linked items and all
    that lies in them stay as they are, to the last column."""
    end: dict[str, Any] = {"e": (E, 1)} if ends else {}
    version = build({"a": (A, 1), "b": (A, 1), **end}, *(["a>e"] if ends else []))
    case, linked = start(version, by), start(version, by)
    sub_case = commands.launch_sub_case(case, version.guid, "Below", by=by)
    commands.link(sub_case, [linked], by=by)
    assert again(case).status == Status.WAITING
    commands.resolve(item(sub_case, "b"), by=by)
    untouched = WorkItem.objects.filter(Q(pk=linked.pk) | Q(parent=linked.pk) | Q(parent=case.pk, kind=3)).order_by(
        "pk"
    )
    before = list(untouched.values())
    with recorded() as found:
        commands.resolve(item(sub_case, "a"), by=by)
    assert {event.record_guid for event in found.events} == {item(sub_case, "a").guid, sub_case.guid, case.guid}
    assert list(untouched.values()) == before
    assert (again(sub_case).status, len(before)) == (Status.CLOSED, 5)
    told = again(case)
    assert (told.status, told.status_reason) == (Status.IN_PROGRESS, StatusReason.SUB_CASE_COMPLETED)
    assert (told.owner_id, told.attention, running(case)) == (by.user_id, None, {"a", "b"})


@pytest.mark.parametrize(
    ("when_empty", "status", "wait_type"),
    [(WhenEmpty.MANUAL, Status.TO_DO, None), (WhenEmpty.PAUSE, Status.WAITING, WaitType.PAUSE)],
)
def test_an_empty_step_holds_the_case_until_somebody_lets_it_go_on(
    build: Build, by: Actor, when_empty: WhenEmpty, status: Status, wait_type: WaitType | None
) -> None:
    version = build({"a": (A, 1), "z": (A, 3)}, step_2={"when_empty": when_empty, "milestone": 50})
    case = start(version, by)
    commands.resolve(item(case, "a"), by=by)
    held = again(case)
    assert (held.status, held.wait_type) == (status, wait_type)
    assert held.current_step is not None
    assert held.current_step.number == 2
    assert flow_of(case.guid, by=by).choices == ["rework", "launch", "continue", "abort"]
    commands.start_next_step(case, by=by)
    assert (again(case).status, again(case).attention, running(case)) == (Status.IN_PROGRESS, None, {"z"})
    assert flow_of(case.guid, by=by).progress == 50


def test_a_case_in_trouble_is_to_do_and_says_why(build: Build, by: Actor) -> None:
    """Work-manager CAS-2 and ACT-2."""
    case = start(build({"a": (A, 1), "b": (A, 1), "z": (A, 2)}), by)
    with recorded() as found:
        commands.complete_unsuccessfully(item(case, "a"), by=by)
    assert found.names == ["WorkItemUpdated", "WorkItemUpdated"]
    troubled = again(case)
    assert (troubled.status, troubled.status_reason) == (Status.TO_DO, StatusReason.ACTION_UNABLE_TO_COMPLETE)
    assert troubled.attention == {
        "code": "attention.action_failed",
        "parameters": {"action": item(case, "a").reference},
    }
    told = flow_of(case.guid, by=by)
    assert str(told.attention) == f"Action {item(case, 'a').reference} could not be completed."
    assert told.choices == ["rework", "launch", "abort"]  # not yet on: the other branch is under way
    assert [said.code for said in told.waits_for] == ["flow_waits.failed_action", "flow_waits.action"]
    commands.resolve(item(case, "b"), by=by)
    assert flow_of(case.guid, by=by).choices == ["rework", "launch", "continue", "abort"]
    commands.start_next_step(case, by=by)
    assert (again(case).status, again(case).attention, running(case)) == (Status.IN_PROGRESS, None, {"z"})


def test_a_case_without_steps_is_left_to_its_owner(by: Actor, first: Customer, actors: dict[str, Actor]) -> None:
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    version = offering.create_version(first.case_version.process, by=admin)
    by_hand = offering.add_ad_hoc_action(version, kind, by=admin)
    case = start(offering.set_version_state(version, VersionState.LIVE, by=admin), by)
    waits = again(case)
    assert (waits.status, waits.assignee_id, waits.attention) == (
        Status.TO_DO,
        by.user_id,
        {"code": "attention.no_step", "parameters": {}},
    )
    told = flow_of(case.guid, by=by)
    assert (told.choices, [said.code for said in told.waits_for]) == (
        ["launch", "continue", "abort"],
        ["attention.no_step"],
    )
    (action,) = commands.launch_action(case, by_hand.guid, by=by)
    commands.resolve(action, by=by)
    assert again(case).status in (Status.TO_DO, Status.IN_PROGRESS)
    commands.start_next_step(case, by=by)
    assert (again(case).status, again(case).attention) == (Status.CLOSED, None)


def test_who_takes_a_running_case_and_gives_it_back_leaves_it_running(build: Build, by: Actor) -> None:
    """Its owner is who has it (work-manager ASG-25)."""
    case = start(build({"a": (A, 1)}), by)
    back = commands.unassign(case, by=by)
    assert (back.status, back.assignee_id, back.owner_id) == (Status.IN_PROGRESS, None, None)
    taken = commands.take(case, by=by)
    assert (taken.status, taken.assignee_id, taken.owner_id) == (Status.IN_PROGRESS, None, by.user_id)


def test_a_case_of_an_earlier_release_goes_on_where_it_stands(build: Build, by: Actor) -> None:
    """Its version has no graph and it has no run: both are read from what there is."""
    version = build({"a": (A, 1), "b": (A, 1), "c": (A, 1), "z": (A, 2)}, "a>b")
    case = start(version, by)
    commands.resolve(item(case, "a"), by=by)
    names = {name: item(case, name).pk for name in "abc"}
    FlowRun.objects.all().delete()
    with recorded() as found:
        commands.resolve(WorkItem.objects.get(pk=names["b"]), by=by)
    assert running(case) == {"c"}
    assert {change["record"] for event in found.events for change in json.loads(event.changes)} == {
        "WorkItem",
        "FlowRun",
        "NodeRun",
    }
    FlowRun.objects.all().delete()
    FlowEdge.objects.filter(version=version).delete()
    FlowNode.objects.filter(version=version).delete()
    assert [len(step.nodes) for step in flow_of(case.guid, by=by).steps] == [3, 1]
    commands.resolve(WorkItem.objects.get(pk=names["c"]), by=by)
    assert again(case).current_step == version.steps.get(number=2)
    last = WorkItem.objects.get(parent=case, status=Status.TO_DO)
    commands.resolve(last, by=by)
    assert again(case).status == Status.CLOSED


def test_an_action_launched_before_the_flow_came_to_it_has_a_reference_of_its_own(
    build: Build, by: Actor, actors: dict[str, Actor], first: Customer
) -> None:
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    version = offering.create_version(build({"a": (A, 1)}).process, by=admin)
    wish = wish_of(kind, {"a": (A, 1), "z": (A, 2)})
    launchable = {KEYS["z"]: offering.ActionWish(kind, launchable=True), KEYS["a"]: offering.ActionWish(kind)}
    offering.save_flow(version, offering.FlowWish(wish.steps, wish.nodes, wish.edges, launchable), by=admin)
    case = start(offering.set_version_state(version, VersionState.LIVE, by=admin), by)
    by_hand = commands.launch_action(case, FlowNode.objects.get(version=version, key=KEYS["z"]).definition.guid, by=by)
    commands.resolve(item(case, "a"), by=by)
    assert [by_hand[0].reference, item(case, "z").reference] == [f"{case.reference}-A2.1", f"{case.reference}-A2.1-2"]


def test_a_graph_that_must_not_be_saved_is_refused_and_one_that_is_not_ready_does_not_go_live(
    build: Build, actors: dict[str, Actor]
) -> None:
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    version = offering.create_version(build({"a": (A, 1)}).process, by=admin)
    with pytest.raises(Invalid) as refusal:
        offering.save_flow(version, wish_of(kind, {"a": (A, 1), "b": (A, 1)}, "a>b", "b>a"), by=admin)
    assert str(refusal.value) == "The flow leads from 'Check Budget' in step 1 back to where it came from."
    with pytest.raises(Invalid) as refusal:
        offering.save_flow(version, offering.FlowWish([], [Node(KEYS["a"], A, 1)], [], {}), by=admin)
    assert refusal.value.code == "flow_action_missing"
    wish = wish_of(kind, {"a": (A, 1), "c": (C, 1)}, "a>c")
    branched = [Node(n.key, n.kind, 1, "c", (Branch("x", "Otherwise"),) if n.kind == C else ()) for n in wish.nodes]
    offering.save_flow(version, offering.FlowWish(wish.steps, branched, wish.edges, wish.actions), by=admin)
    with pytest.raises(Conflict) as refused:
        offering.set_version_state(version, VersionState.LIVE, by=admin)
    assert refused.value.code == "version_not_ready"
    place = f"steps/1/nodes/{KEYS['c']}"
    found = {(one.place, one.said.code, one.severity) for one in blocking(findings(version))}
    assert found == {(place, "flow_condition_without_branch", Severity.BEFORE_LIVE)}


def test_saving_a_flow_again_replaces_it_and_says_so(build: Build, actors: dict[str, Actor]) -> None:
    admin, kind = actors["administrator"], WorkType.objects.get(name="Check Budget")
    version = offering.create_version(build({"a": (A, 1)}).process, by=admin)
    offering.add_ad_hoc_action(version, kind, by=admin)
    offering.save_flow(version, wish_of(kind, {"a": (A, 1), "b": (A, 2)}), by=admin)
    with recorded() as found:
        offering.save_flow(
            version, wish_of(kind, {"a": (A, 1), "m": (M, 1), "b": (A, 1), "z": (A, 1)}, "a>m"), by=admin
        )
    assert found.names == ["ProcessVersionChanged"]
    assert list(version.steps.values_list("number", flat=True)) == [0, 1]
    assert {str(key) for key in version.nodes.values_list("key", flat=True)} == {KEYS[n] for n in "ambz"}


@pytest.fixture
def by_amount(actors: dict[str, Actor], first: Customer) -> ProcessVersion:
    """A live case version: after an action a condition, with an action for large amounts and one for all others."""
    admin, line, kind = actors["administrator"], ServiceLine.objects.get(), WorkType.objects.get(name="Check Budget")
    offering.create_data_field("Sum", FieldKind.WHOLE_NUMBER, by=admin)
    process = offering.create_process(
        first.service, offering.create_work_type(line, ProcessType.CASE, "Amounts", by=admin), by=admin
    )
    version = offering.create_version(process, by=admin)
    large = Branch("large", "Large", conditions.as_json(conditions.parse("[sum] > 100")))
    wish = wish_of(kind, {"a": (A, 1), "c": (C, 1), "b": (A, 1), "d": (A, 1)})
    nodes = [
        Node(n.key, n.kind, 1, n.name, (large, Branch("other", "Other")) if n.kind == C else ()) for n in wish.nodes
    ]
    edges = [
        Edge(KEYS["a"], KEYS["c"]),
        Edge(KEYS["c"], KEYS["b"], "large"),
        Edge(KEYS["c"], KEYS["d"], "other"),
    ]
    offering.save_flow(version, offering.FlowWish(wish.steps, nodes, edges, wish.actions), by=admin)
    return offering.set_version_state(version, VersionState.LIVE, by=admin)


@pytest.mark.parametrize(("amount", "taken", "branch"), [(500, "b", "Large"), (100, "d", "Other")])
def test_a_condition_takes_the_first_branch_that_holds_and_keeps_what_it_saw(
    by_amount: ProcessVersion, by: Actor, amount: int, taken: str, branch: str
) -> None:
    """Builder CN-1 … CN-3; work-flow section 2: each evaluation is stored with the values it saw."""
    case = start(by_amount, by)
    commands.update(case, custom_data={"Sum": amount}, by=by)
    commands.resolve(item(case, "a"), by=by)
    assert running(case) == {taken}
    condition = next(node for node in flow_of(case.guid, by=by).steps[0].nodes if node.kind == C)
    seen = condition.passes[0]
    assert (seen.state, seen.branch) == ("done", branch)
    assert [str(said) for said in seen.evaluations[0].saw] != []
    stored = ConditionEvaluation.objects.get().tried
    assert stored[0]["seen"][0]["values"] == {"sum": amount}
    commands.resolve(item(case, taken), by=by)
    assert again(case).status == Status.CLOSED


def test_a_condition_shows_no_value_that_was_written_at_an_item_out_of_sight(
    by_amount: ProcessVersion, first: Customer, by: Actor, actors: dict[str, Actor]
) -> None:
    """Builder CD-2, CN-3: also after the case has another value."""
    admin, case = actors["administrator"], start(by_amount, by)
    user = access.create_user("cleo", "Cleo", list(Role.objects.filter(name="Team Member")), by=admin)
    group = access.create_group("Clerks", by=admin)
    access.grant(group, "process", by_amount.process, by=admin)
    access.change_members(group, add=[user], by=admin)
    more = commands.Changes(custom_data={"Sum": 4711})
    commands.launch_sub_case(case, first.case_version.guid, "Below", by=by, more=more)
    commands.resolve(item(case, "a"), by=by)
    commands.update(again(case), custom_data={"Sum": 5}, by=by)
    for reader, shown in ((by, "[sum] = 4711"), (sessions.actor_for(user), "[sum] = …")):
        condition = next(node for node in flow_of(case.guid, by=reader).steps[0].nodes if node.kind == C)
        (said,) = condition.passes[0].evaluations[0].saw
        assert (said.parameters["saw"], condition.passes[0].branch) == ([shown], "Large")


def test_a_condition_that_cannot_be_evaluated_needs_attention_and_is_asked_again(
    by_amount: ProcessVersion, by: Actor
) -> None:
    case = start(by_amount, by)
    with recorded() as found:
        commands.resolve(item(case, "a"), by=by)
    assert found.names == ["WorkItemUpdated", "WorkItemUpdated"]
    troubled = again(case)
    assert (troubled.status, troubled.status_reason) == (Status.TO_DO, StatusReason.BLOCKED_BY_RULE)
    assert troubled.attention == {
        "code": "attention.condition_failed",
        "parameters": {"condition": "c", "step": "Step 1"},
    }
    commands.start_next_step(case, by=by)
    assert again(case).status == Status.TO_DO  # nothing changed: it cannot be evaluated still
    commands.update(case, custom_data={"Sum": 101}, by=by)
    commands.start_next_step(case, by=by)
    assert (again(case).status, running(case)) == (Status.IN_PROGRESS, {"b"})
    assert [one.branch for one in ConditionEvaluation.objects.order_by("pk")] == ["", "", "large"]


def test_rework_asks_a_condition_again_only_from_the_beginning_of_its_step(
    by_amount: ProcessVersion, by: Actor
) -> None:
    """Work-manager REW-2."""
    case = start(by_amount, by)
    commands.update(case, custom_data={"Sum": 500}, by=by)
    commands.resolve(item(case, "a"), by=by)
    commands.update(case, custom_data={"Sum": 5}, by=by)
    commands.rework(case, 1, node=UUID(KEYS["a"]), by=by)
    commands.resolve(item(case, "a", 2), by=by)
    assert running(case) == {"b"}
    commands.rework(case, 1, by=by)
    commands.resolve(item(case, "a", 3), by=by)
    assert running(case) == {"d"}
    assert ConditionEvaluation.objects.count() == 2
