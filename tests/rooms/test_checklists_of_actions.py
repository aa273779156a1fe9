"""Lines of a type and of an action: in which order they are asked, and what becomes of them when the type changes."""

from __future__ import annotations

import pytest

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.jobs import running
from workwire.jobs.models import OPEN, Job
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.kernel.ids import new_guid
from workwire.rooms.offering import commands, queries
from workwire.rooms.offering.commands import LineWish
from workwire.rooms.offering.commands.checklists import RUNNING_JOB
from workwire.rooms.offering.models import ActionDefinition, ChecklistLine, WorkType
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.commands import running_checklists
from workwire.rooms.work.models import ChecklistResult, WorkItem


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator, who builds."""
    return actors["administrator"]


@pytest.fixture
def budget(admin: Actor) -> WorkType:
    """An action type with three lines."""
    found = WorkType.objects.get(name="Check Budget")
    commands.add_global_checklist(found, ("One", "Two", "Three"), by=admin)
    return found


@pytest.fixture
def action(budget: WorkType, first: Customer, admin: Actor) -> ActionDefinition:
    """An action of that type in a draft."""
    draft = commands.copy_version(first.case_version, by=admin)
    return ActionDefinition.objects.get(step__version=draft, work_type=budget)


def _lines(work_type: WorkType) -> dict[str, ChecklistLine]:
    return {line.description: line for line in work_type.checklist.filter(retired=False)}


def _asked(action: ActionDefinition) -> list[str]:
    found = ActionDefinition.objects.get(pk=action.pk)
    return [line.description for line in queries.checklists_of([found])[found.pk]]


def test_a_line_of_an_action_stands_beside_one_of_its_type_and_moves_with_it(
    budget: WorkType, action: ActionDefinition, admin: Actor
) -> None:
    """builder CK-1, CK-2: until that one is gone; then it is asked at the end."""
    of_type = _lines(budget)
    wished = [
        "Last",
        LineWish("After one", anchor=of_type["One"].guid),
        LineWish("Before two", anchor=of_type["Two"].guid, before=True),
        LineWish("After one, too", anchor=of_type["One"].guid),
    ]
    with recorded() as found:
        commands.change_action(action, checklist=wished, by=admin)
    assert found.names == ["ProcessVersionChanged"]
    assert _asked(action) == ["One", "After one", "After one, too", "Before two", "Two", "Three", "Last"]
    order = [LineWish("Two, said better", of_type["Two"].guid), LineWish("New"), LineWish("One", of_type["One"].guid)]
    with recorded() as found:
        commands.save_global_checklist(budget, order, by=admin)
    assert found.names == ["WorkTypeChanged"]
    assert _asked(action) == ["Before two", "Two, said better", "New", "One", "After one", "After one, too", "Last"]
    commands.save_global_checklist(budget, order[:2], by=admin)
    assert _asked(action) == ["Before two", "Two, said better", "New", "Last", "After one", "After one, too"]
    assert ChecklistLine.objects.get(description="Three").retired


def test_a_line_of_the_type_is_asked_wherever_that_is_used_and_one_of_an_action_there_alone(
    budget: WorkType, action: ActionDefinition, first: Customer, second: Customer, admin: Actor
) -> None:
    """builder CK-1: a change takes effect at once in all uses, of other versions, processes and customers, too."""
    other = ActionDefinition.objects.get(
        step__version=commands.copy_version(second.case_version, by=admin), work_type=budget
    )
    live = ActionDefinition.objects.get(step__version=first.case_version, work_type=budget)
    commands.change_action(action, checklist=["Here alone"], by=admin)
    of_type = _lines(budget)
    commands.save_global_checklist(budget, [LineWish("Two", of_type["Two"].guid), LineWish("New")], by=admin)
    assert _asked(action) == ["Two", "New", "Here alone"]
    assert _asked(live) == _asked(other) == ["Two", "New"]
    for wished in ([""], ["  "], [LineWish("", anchor=of_type["Two"].guid)]):
        with recorded() as found, pytest.raises(Invalid):
            commands.change_action(action, checklist=wished, by=admin)
        assert (found.events, _asked(action)) == ([], ["Two", "New", "Here alone"])


def test_the_lines_of_a_running_action_are_one_list_in_the_order_of_its_process(
    budget: WorkType, action: ActionDefinition, admin: Actor, actors: dict[str, Actor]
) -> None:
    """builder CK-2, CK-3: an own line is asked beside the one of the type that it stands at."""
    of_type, by = _lines(budget), actors["team member"]
    wished = [LineWish("Before two", anchor=of_type["Two"].guid, before=True), LineWish("Last")]
    commands.change_action(action, checklist=wished, by=admin)
    version = commands.set_version_state(action.step.version, queries.VersionState.LIVE, by=admin)
    case = work.create_case(version.guid, title="x", submit=True, by=by)
    running_action = WorkItem.objects.get(parent=case, work_type=budget)
    asked = [str(line.line) for line in items.checklist_of(running_action)]
    assert asked == ["One", "Before two", "Two", "Three", "Last"]
    for line in items.checklist_of(running_action)[:4]:
        work.answer_checklist(line, result=ChecklistResult.NOT_APPLICABLE, by=by)
    with pytest.raises(Conflict):
        work.resolve(running_action, by=by)
    work.answer_checklist(items.checklist_of(running_action)[4], result=ChecklistResult.NO, by=by)
    work.resolve(running_action, by=by)


def test_a_copy_of_a_version_keeps_where_lines_stand(
    budget: WorkType, action: ActionDefinition, first: Customer, admin: Actor
) -> None:
    """builder CK-2."""
    anchor = _lines(budget)["One"].guid
    commands.change_action(action, checklist=[LineWish("First", anchor=anchor, before=True)], by=admin)
    version = action.step.version
    commands.set_version_state(version, queries.VersionState.LIVE, by=admin)
    copied = commands.copy_version(version, by=admin)
    again = ActionDefinition.objects.get(step__version=copied, work_type=budget)
    assert _asked(again) == ["First", "One", "Two", "Three"]


def test_a_line_stands_beside_nothing_but_a_line_of_its_type(
    budget: WorkType, action: ActionDefinition, admin: Actor
) -> None:
    """builder CK-2."""
    other = WorkType.objects.get(name="Place Order")
    commands.add_global_checklist(other, ("Elsewhere",), by=admin)
    for anchor in (new_guid(), _lines(other)["Elsewhere"].guid):
        with recorded() as found, pytest.raises(Invalid) as refusal:
            commands.change_action(action, checklist=[LineWish("x", anchor=anchor)], by=admin)
        assert (refusal.value.code, found.events) == ("checklist_anchor_not_found", [])


def test_the_lines_of_a_type_are_saved_as_a_whole(budget: WorkType, admin: Actor) -> None:
    """builder CK-1."""
    version = WorkType.objects.get(pk=budget.pk).version
    commands.save_global_checklist(budget, [LineWish("Only")], version=version, by=admin)
    assert list(_lines(budget)) == ["Only"]
    for wrong, code in (
        (
            lambda: commands.save_global_checklist(budget, [LineWish("x", new_guid())], by=admin),
            "checklist_line_not_found",
        ),
        (lambda: commands.save_global_checklist(budget, [LineWish("x")] * 201, by=admin), "checklist_too_long"),
        (lambda: commands.save_global_checklist(budget, [], version=version, by=admin), "version_conflict"),
    ):
        with recorded() as found, pytest.raises((Invalid, Conflict)) as refusal:
            wrong()
        assert (refusal.value.code, found.events) == (code, [])
    assert list(_lines(budget)) == ["Only"]


def test_running_actions_of_a_type_get_its_new_lines(
    budget: WorkType, first: Customer, admin: Actor, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """builder CK-1, SL-9: at the end; lines that went stay where they were answered, and finished actions as they are."""
    monkeypatch.setattr(running_checklists, "PIECE", 1)
    by = actors["team member"]
    cases = [work.create_case(first.case_version.guid, title="x", submit=True, by=by) for _ in range(3)]
    one, other, done = (WorkItem.objects.get(parent=case, work_type=budget) for case in cases)
    for line in items.checklist_of(done):
        work.answer_checklist(line, result=ChecklistResult.YES, by=by)
    work.resolve(done, by=by)
    work.answer_checklist(items.checklist_of(one)[0], result=ChecklistResult.YES, by=by)
    of_type = _lines(budget)
    commands.save_global_checklist(budget, [LineWish("Two", of_type["Two"].guid), LineWish("Four")], by=admin)
    with recorded() as found:
        _work_off()
    assert found.names == ["WorkItemUpdated"] * 2
    for action, lines in ((one, ["One", "Two", "Four"]), (other, ["Two", "Four"]), (done, ["One", "Two", "Three"])):
        assert [str(line.line) for line in items.checklist_of(action)] == lines


def _work_off() -> None:
    jobs = Job.objects.filter(OPEN, kind=RUNNING_JOB)
    while jobs.update(ready_at=clock.now()):
        job = running.claim(running_checklists.KIND.lane)
        assert job is not None
        running.carry_on(job, running_checklists.KIND)
