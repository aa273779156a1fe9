"""A version is tried without any work: the story it tells is that of a real case, and nothing of it is there afterwards."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.outbox.models import Event, RecordSequence
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import conditions
from workwire.rooms.offering.flow_graphs import Branch, Edge, Node, NodeKind
from workwire.rooms.offering.models import ProcessVersion, WorkType
from workwire.rooms.offering.version_graphs import graph_of
from workwire.rooms.work import commands, explained_assignment, queries, version_trials
from workwire.rooms.work.models import WorkItem
from workwire.rooms.work.version_trials import Deed, Trial, What

KEYS = [str(uuid4()) for _ in range(4)]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The process builder."""
    return actors["process builder"]


@pytest.fixture
def draft(first: Customer, by: Actor) -> ProcessVersion:
    """A draft: an action, then another one if it is dear, else the end."""
    check = WorkType.objects.get(name="Check Budget")
    version = offering.create_version(first.case_version.process, by=by)
    dear = Branch(
        "dear", "Dear", conditions.as_json(conditions.parse('[amount] >= 50 and WorkItemHasFileWithTag("Invoice")'))
    )
    offering.save_flow(
        version,
        offering.FlowWish(
            [offering.StepWish("Only")],
            [
                Node(KEYS[0], NodeKind.ACTION, 1),
                Node(KEYS[1], NodeKind.CONDITION, 1, "Dear?", (dear, Branch("cheap", "Cheap"))),
                Node(KEYS[2], NodeKind.ACTION, 1),
                Node(KEYS[3], NodeKind.END, 1, "Done"),
            ],
            [Edge(KEYS[0], KEYS[1]), Edge(KEYS[1], KEYS[2], "dear"), Edge(KEYS[1], KEYS[3], "cheap")],
            {KEYS[number]: offering.ActionWish(check, checklist=None) for number in (0, 2)},
        ),
        by=by,
    )
    return ProcessVersion.objects.get(pk=version.pk)


def _codes(trial: Trial, deed: int) -> list[str]:
    return [told.said.code for told in trial.story if told.deed == deed]


def _node(version: ProcessVersion, name: str) -> UUID:
    return next(UUID(node.key) for node in graph_of(version.pk).graph.nodes if node.name == name)


def _done(version: ProcessVersion, *names: str) -> list[Deed]:
    return [Deed(What.COMPLETE, _node(version, name)) for name in names]


def test_a_trial_tells_what_a_real_case_would_do(first: Customer, by: Actor) -> None:
    """A version is tried before it is live, step by step, with the reasons."""
    version = first.case_version
    trial = version_trials.try_version(version.guid, [], by=by, custom_data={})
    assert _codes(trial, 0) == ["trial_enters", "trial_starts", "trial_starts"]
    case = commands.create_case(version.guid, by=by, title="Real", submit=True)
    real = list(WorkItem.objects.filter(parent=case.pk).order_by("pk"))
    started = [told for told in trial.story if told.said.code == "trial_starts"]
    assert {told.said.parameters["action"] for told in started} == {one.work_type.name for one in real}
    for action in real:
        told = next(one for one in started if one.said.parameters["action"] == action.work_type.name)
        why = explained_assignment.why_assigned(queries.item(action.guid, by=by), by=by)
        assert [one.code for one in told.because][: len(why.tried)] == [one.code for one in why.tried]
        assert told.due is not None
        assert action.due_date is not None
        assert abs((told.due - action.due_date).total_seconds()) < 60
    names = ("Take Measure", "Check Budget")
    trial = version_trials.try_version(version.guid, _done(version, *names), by=by, custom_data={})
    assert _codes(trial, 1) == ["trial_did"]
    assert _codes(trial, 2) == ["trial_did", "trial_enters", "trial_starts"]
    assert (trial.phase, trial.step, trial.running) == ("running", 2, [str(_node(version, "Place Order"))])
    ended = version_trials.try_version(version.guid, _done(version, *names, "Place Order"), by=by, custom_data={})
    assert _codes(ended, 3) == ["trial_did", "trial_ends"]
    assert (ended.phase, ended.running, ended.rework) == ("over", [], [])


def test_nothing_of_a_trial_is_there_afterwards(first: Customer, by: Actor) -> None:
    counted = (WorkItem, Event, RecordSequence)
    before = [model.objects.count() for model in counted]
    with CaptureQueriesContext(connection) as found:
        version_trials.try_version(
            first.case_version.guid, _done(first.case_version, "Take Measure"), by=by, custom_data={"Invoice": "4711"}
        )
    assert [model.objects.count() for model in counted] == before
    written = ("INSERT", "UPDATE", "DELETE")
    assert not [query["sql"] for query in found if query["sql"].startswith(written) or "FOR UPDATE" in query["sql"]]
    case = commands.create_case(first.case_version.guid, by=by, title="Next", submit=True)
    number = int((case.reference or "").partition("-")[0])
    version_trials.try_version(first.case_version.guid, [], by=by, custom_data={})
    following = commands.create_case(first.case_version.guid, by=by, title="Next", submit=True)
    actions = WorkItem.objects.filter(parent=case.pk).count()
    assert int((following.reference or "").partition("-")[0]) == number + actions + 1


@pytest.mark.parametrize(
    ("amount", "tags", "branch", "phase"),
    [(50, {"invoice"}, "Dear", "running"), (50, set(), "Cheap", "over"), (49, {"Invoice"}, "Cheap", "over")],
)
def test_a_draft_is_tried_with_what_its_conditions_ask_for(
    draft: ProcessVersion, by: Actor, amount: int, tags: set[str], branch: str, phase: str
) -> None:
    """builder CN-5: what each branch saw is told."""
    deed = Deed(What.COMPLETE, UUID(KEYS[0]), custom_data={"Amount": amount})
    trial = version_trials.try_version(draft.guid, [deed], by=by, custom_data={}, file_tags=frozenset(tags))
    (taken,) = (told for told in trial.story if told.said.code == "trial_takes")
    assert taken.said.parameters == {"condition": "Dear?", "branch": branch}
    assert taken.because
    assert trial.phase == phase


def test_a_condition_without_a_value_is_told_and_asked_again(draft: ProcessVersion, by: Actor) -> None:
    done = Deed(What.COMPLETE, UUID(KEYS[0]))
    trial = version_trials.try_version(draft.guid, [done], by=by, custom_data={}, file_tags=frozenset({"Invoice"}))
    assert (_codes(trial, 1)[-1], trial.phase) == ("flow_waits.failed_condition", "halted")
    again = Deed(What.CONTINUE, custom_data={"Amount": 70})
    trial = version_trials.try_version(
        draft.guid, [done, again], by=by, custom_data={}, file_tags=frozenset({"Invoice"})
    )
    assert _codes(trial, 2) == ["trial_takes", "trial_starts"]


def test_an_action_that_fails_halts_and_is_done_again(first: Customer, by: Actor) -> None:
    version = first.case_version
    failed = Deed(What.FAIL, _node(version, "Take Measure"))
    trial = version_trials.try_version(version.guid, [failed], by=by, custom_data={})
    assert (_codes(trial, 1), trial.phase) == (["trial_did.failed", "flow_waits.failed_action"], "halted")
    again = Deed(What.REWORK, step=1)
    trial = version_trials.try_version(version.guid, [failed, again], by=by, custom_data={})
    assert "trial_starts" in _codes(trial, 2)
    assert "trial_stops" in _codes(trial, 2)
    assert trial.phase == "running"


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (Deed(What.COMPLETE, UUID(int=7)), "trial_not_running"),
        (Deed(What.REWORK, step=9), "rework_place_invalid"),
    ],
)
def test_what_would_not_be_possible_is_refused_with_its_place(
    first: Customer, by: Actor, deed: Deed, code: str
) -> None:
    with pytest.raises(Conflict) as refusal:
        version_trials.try_version(first.case_version.guid, [deed], by=by, custom_data={})
    assert (refusal.value.code, refusal.value.field) == (code, "deeds.1")


def test_who_may_try_what(first: Customer, by: Actor, actors: dict[str, Actor]) -> None:
    with pytest.raises(Forbidden):
        version_trials.try_version(first.case_version.guid, [], by=actors["team member"], custom_data={})
    with pytest.raises(NotFound):
        version_trials.try_version(
            first.case_version.guid, [], by=actors["process builder of one company"], custom_data={}
        )
    with pytest.raises(Invalid) as refusal:
        version_trials.try_version(first.ticket_version.guid, [], by=by, custom_data={})
    assert refusal.value.code == "trial_not_of_case"
    with pytest.raises(Invalid) as refusal:
        version_trials.try_version(first.case_version.guid, [], by=by, custom_data={"Amount": "many"})
    assert refusal.value.field == "custom_data.Amount"
