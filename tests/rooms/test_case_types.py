"""What a case type holds: mandatory contacts, counted records, the steps of all its processes; how processes are cloned."""

from __future__ import annotations

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.rooms.commitments.rules import DueRule, Unit
from workwire.rooms.effort import estimates
from workwire.rooms.offering import commands, step_differences
from workwire.rooms.offering.commands import StepWish
from workwire.rooms.offering.flow_graphs import WhenEmpty
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    Process,
    ProcessType,
    ProcessVersion,
    Schedule,
    TypeStep,
    VersionState,
    WorkType,
)
from workwire.rooms.offering.version_findings import findings
from workwire.rooms.parties import commands as parties_commands
from workwire.rooms.parties import queries as parties
from workwire.rooms.parties import tags
from workwire.rooms.work import commands as work
from workwire.rooms.work.commands import ContactWish, TagWish
from workwire.rooms.work.models import Status, WorkItem


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator, who builds."""
    return actors["administrator"]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def order(first: Customer) -> WorkType:
    """The type of the cases that customers begin."""
    return first.case_version.process.work_type


@pytest.fixture
def draft(first: Customer, admin: Actor) -> ProcessVersion:
    """The draft of its process, as it is live: steps Before, with two actions, and After."""
    return commands.copy_version(first.case_version, by=admin)


def _steps(version: ProcessVersion) -> list[tuple[int, str, list[str]]]:
    return [
        (step.number, step.name, [action.work_type.name for action in step.actions.order_by("number")])
        for step in version.steps.order_by("number")
    ]


def _wish(step: TypeStep, **changed: object) -> StepWish:
    return StepWish(str(changed.get("name", step.name)), key=step.guid)


def _said(version: ProcessVersion) -> list[str]:
    work_type = WorkType.objects.get(pk=version.process.work_type_id)
    present = list(version.steps.filter(number__gt=0).order_by("number"))
    return [one.code for one in step_differences.differences(list(work_type.steps.all()), present)]


def test_a_case_type_says_what_is_documented(order: WorkType, admin: Actor) -> None:
    """builder SL-1."""
    says = {
        "name": "Order of goods",
        "description": "Goods.",
        "process_group": "Buying",
        "contacts_mandatory": True,
        "effort_per_record": 7,
        "counts_records": False,
        "record_count_label": "Items",
    }
    with recorded() as found:
        commands.change_work_type(order, by=admin, **says)  # type: ignore[arg-type]  # as a door would
    order.refresh_from_db()
    assert found.names == ["WorkTypeChanged"]
    assert ({name: getattr(order, name) for name in says}, order.version) == (says, 2)
    with recorded() as found:
        commands.change_work_type(order, by=admin, process_group="Buying")
    assert found.events == []
    with pytest.raises(Conflict):
        commands.change_work_type(order, by=admin, version=1, name="Late")
    for kind in (ProcessType.TICKET, ProcessType.ACTION):
        other = WorkType.objects.filter(kind=kind)[0]
        assert commands.change_work_type(other, by=admin, process_group="Buying").process_group == "Buying"
        with pytest.raises(Invalid) as refusal:
            commands.change_work_type(other, by=admin, counts_records=False)
        assert refusal.value.field == "counts_records"
        with pytest.raises(Invalid):
            commands.save_type_steps(other, [StepWish("One")], by=admin)


def test_what_a_type_says_holds_at_once_for_running_cases(
    order: WorkType, first: Customer, admin: Actor, by: Actor
) -> None:
    """builder SL-1, SL-9: the time that records take, and whether they are counted."""
    case = work.create_case(first.case_version.guid, title="One", record_count=3, submit=True, by=by)
    assert estimates.effort_of(case, by=by).expected is None
    commands.change_work_type(order, by=admin, effort_per_record=7, counts_records=False)
    case = WorkItem.objects.get(pk=case.pk)
    assert estimates.effort_of(case, by=by).expected == 21
    with pytest.raises(Invalid) as refusal:
        work.update(case, record_count=4, by=by)
    assert (refusal.value.code, refusal.value.field) == ("records_not_counted", "record_count")
    work.update(case, record_count=3, title="Two", by=by)


def test_mandatory_contacts_hold_for_cases_and_sub_cases(
    order: WorkType, first: Customer, organisation: Organisation, admin: Actor, by: Actor
) -> None:
    """builder SL-2: as soon as the type says so; the last one is not taken away from what runs."""
    someone = organisation.accounts["administrator"].user
    built_in = {tag.built_in: tag.guid for tag in parties.contact_tags()}
    both = (ContactWish(someone.guid, tuple(TagWish(built_in[one]) for one in (tags.PRIMARY, tags.REQUESTER))),)
    draft = work.create_case(first.case_version.guid, title="Goods", by=by)
    commands.change_work_type(order, by=admin, contacts_mandatory=True)
    draft = WorkItem.objects.get(pk=draft.pk)
    for given, code in (((), "primary_contact_missing"), ((ContactWish(someone.guid, both[0].tags[:1]),), "requester")):
        with pytest.raises(Invalid) as refusal:
            work.submit(draft, contacts=given, by=by)
        assert refusal.value.code.startswith(code)
    case = work.submit(draft, contacts=both, by=by)
    assert case.status == Status.IN_PROGRESS
    with pytest.raises(Invalid) as refusal:
        work.launch_sub_case(case, first.case_version.guid, "More goods", by=by)
    assert refusal.value.code == "primary_contact_missing"
    work.launch_sub_case(case, first.case_version.guid, "More goods", more={"contacts": both}, by=by)
    with pytest.raises(Invalid) as refusal:
        work.update(case, contacts=[ContactWish(someone.guid, retired=True)], by=by)
    assert refusal.value.code == "primary_contact_missing"


def test_a_new_draft_has_the_steps_of_its_type_and_actions_of_its_own(
    order: WorkType, first: Customer, second: Customer, admin: Actor
) -> None:
    """builder SL-3: steps are changed at the type alone."""
    wished = [StepWish("Ask", automatic=False, milestone=40), StepWish("Buy", when_empty=WhenEmpty.PAUSE)]
    commands.save_type_steps(order, wished, by=admin)
    action = WorkType.objects.get(name="Check Budget")
    versions = [commands.create_version(one.case_version.process, by=admin) for one in (first, second)]
    for version in versions:
        said = list(version.steps.values_list("number", "name", "automatic", "when_empty", "milestone"))
        assert said == [(1, "Ask", False, "skip", 40), (2, "Buy", True, "pause", None)]
    step = versions[0].steps.get(number=1)
    commands.add_action(step, action, by=admin)
    assert _steps(versions[0]) == [(1, "Ask", ["Check Budget"]), (2, "Buy", [])]
    assert _steps(versions[1]) == [(1, "Ask", []), (2, "Buy", [])]
    for deed in (
        lambda: commands.add_step(versions[0], "More", by=admin),
        lambda: commands.change_step(step, name="Other", by=admin),
        lambda: commands.change_step(step, number=2, by=admin),
        lambda: commands.remove_step(step, by=admin),
        lambda: commands.save_flow(versions[1], commands.FlowWish([StepWish("Ask")], [], [], {}), by=admin),
    ):
        with recorded() as found, pytest.raises(Conflict) as refusal:
            deed()
        assert (refusal.value.code, found.events) == ("steps_of_type", [])
    commands.change_step(step, automatic=True, milestone=50, by=admin)
    same = [StepWish(one.name, key=one.identity) for one in versions[1].steps.order_by("number")]
    commands.save_flow(versions[1], commands.FlowWish(same, [], [], {}), by=admin)


def test_a_draft_is_refreshed_after_its_differences_were_shown(
    order: WorkType, first: Customer, draft: ProcessVersion, admin: Actor
) -> None:
    """builder SL-4 … SL-6: steps are added, renamed, moved with their actions, removed; live versions stay."""
    live = _steps(first.case_version)
    work_type = commands.save_type_steps(order, [StepWish("Before"), StepWish("After")], by=admin)
    assert _said(draft) == []
    commands.refresh_steps(draft, type_version=work_type.version, by=admin)
    before, after = work_type.steps.all()
    wished = [_wish(after), _wish(before, name="Ahead"), StepWish("Between", automatic=False)]
    work_type = commands.save_type_steps(work_type, wished, by=admin)
    shown = ["step_renamed", "step_moved", "step_added"]
    assert sorted(_said(draft)) == sorted(shown)
    assert [one.said.code for one in findings(draft) if one.place == "steps"] == ["finding_steps_outdated"]
    with recorded() as found, pytest.raises(Conflict) as refusal:
        commands.refresh_steps(draft, type_version=work_type.version - 1, by=admin)
    assert (refusal.value.code, found.events) == ("version_conflict", [])
    with recorded() as found:
        commands.refresh_steps(draft, type_version=work_type.version, by=admin)
    assert found.names == ["ProcessVersionChanged"]
    assert _steps(draft) == [
        (0, "Ad hoc", ["Ring Customer"]),
        (1, "After", ["Place Order"]),
        (2, "Ahead", ["Take Measure", "Check Budget"]),
        (3, "Between", []),
    ]
    assert not draft.steps.get(number=3).automatic
    assert _said(draft) == []
    assert "finding_steps_outdated" not in [one.said.code for one in findings(draft)]
    work_type = commands.save_type_steps(work_type, [_wish(after), StepWish("Between")], by=admin)
    assert "step_removed" in _said(draft)
    commands.refresh_steps(draft, type_version=work_type.version, by=admin)
    assert _steps(draft)[0] == (0, "Ad hoc", ["Ring Customer", "Take Measure", "Check Budget"])
    assert [name for _, name, _ in _steps(draft)[1:]] == ["After", "Between"]
    assert all(action.launchable for action in ActionDefinition.objects.filter(step__version=draft, step__number=0))
    assert _steps(first.case_version) == live
    with recorded() as found:
        commands.refresh_steps(draft, type_version=work_type.version, by=admin)
    assert found.events == []


def test_a_type_without_steps_leaves_them_to_its_processes(draft: ProcessVersion, admin: Actor) -> None:
    """builder SL-3: decision 85."""
    commands.add_step(draft, "Last", by=admin)
    commands.refresh_steps(draft, type_version=1, by=admin)
    assert [name for _, name, _ in _steps(draft)] == ["Ad hoc", "Before", "After", "Last"]


def _process(customer: Customer, work_type: WorkType, admin: Actor) -> Process:
    found = Process.objects.filter(service=customer.service, work_type=work_type).first()
    return found or commands.create_process(customer.service, work_type, by=admin)


def test_a_process_is_cloned_from_a_live_one_of_its_service_line(
    order: WorkType, first: Customer, second: Customer, admin: Actor
) -> None:
    """builder SL-7, SL-8: everything but the schedule, also from another customer."""
    source = commands.copy_version(first.case_version, by=admin)
    rule = DueRule(3, Unit.DAYS)
    commands.change_version(source, schedule=Schedule.objects.get(), due=rule, effort_per_record=5, by=admin)
    commands.set_version_state(source, VersionState.LIVE, by=admin)
    with recorded() as found:
        draft = commands.clone_process(source.process, second.case_version.process, by=admin)
    assert found.names == ["ProcessVersionCreated"]
    assert (draft.state, draft.schedule, draft.due_rule, draft.effort_per_record) == (
        VersionState.DRAFT,
        None,
        rule.as_json(),
        5,
    )
    assert _steps(draft) == _steps(source)
    assert CaseStep.objects.filter(version=draft, nodes__isnull=False).exists()
    for target, code in (
        (second.case_version.process, "draft_exists"),
        (source.process, "clone_source_invalid"),
        (second.ticket_version.process, "clone_source_invalid"),
    ):
        with recorded() as found, pytest.raises((Conflict, Invalid)) as refusal:
            commands.clone_process(source.process, target, by=admin)
        assert (refusal.value.code, found.events) == (code, [])


def test_what_is_not_live_or_of_another_line_is_no_source(
    order: WorkType, first: Customer, second: Customer, admin: Actor
) -> None:
    """builder SL-7."""
    other = commands.create_work_type(order.service_line, ProcessType.CASE, "Return", by=admin)
    empty = _process(first, other, admin)
    with pytest.raises(Conflict) as refusal:
        commands.clone_process(empty, second.case_version.process, by=admin)
    assert refusal.value.code == "clone_source_not_live"
    line = commands.create_service_line("Payroll", by=admin)
    pay = commands.create_work_type(line, ProcessType.CASE, "Order", by=admin)
    elsewhere = commands.create_process(
        parties_commands.create_service(first.contract, line, "Pay", by=admin), pay, by=admin
    )
    with pytest.raises(Invalid) as wrong:
        commands.clone_process(first.case_version.process, elsewhere, by=admin)
    assert (wrong.value.code, wrong.value.field) == ("clone_source_invalid", "source")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("One",), [(0, "Ad hoc", ["Ring Customer", "Place Order"]), (1, "One", ["Take Measure", "Check Budget"])]),
        (
            ("One", "Two", "Three"),
            [
                (0, "Ad hoc", ["Ring Customer"]),
                (1, "One", ["Take Measure", "Check Budget"]),
                (2, "Two", ["Place Order"]),
                (3, "Three", []),
            ],
        ),
        (
            (),
            [
                (0, "Ad hoc", ["Ring Customer"]),
                (1, "Step 1", ["Take Measure", "Check Budget"]),
                (2, "Step 2", ["Place Order"]),
            ],
        ),
    ],
)
def test_into_another_type_actions_keep_the_place_of_their_step(
    names: tuple[str, ...],
    expected: list[tuple[int, str, list[str]]],
    order: WorkType,
    first: Customer,
    admin: Actor,
) -> None:
    """builder SL-8: names of steps are not copied, what has no place becomes ad hoc."""
    other = commands.create_work_type(order.service_line, ProcessType.CASE, "Return", by=admin)
    if names:
        commands.save_type_steps(other, [StepWish(name) for name in names], by=admin)
    draft = commands.clone_process(first.case_version.process, _process(first, other, admin), by=admin)
    assert _steps(draft) == expected
    assert _said(draft) == []


def test_a_type_is_cloned_with_all_it_says(order: WorkType, admin: Actor) -> None:
    """builder SL-9."""
    commands.change_work_type(order, by=admin, contacts_mandatory=True, record_count_label="Items", effort_per_record=4)
    commands.save_type_steps(order, [StepWish("Ask", milestone=50), StepWish("Buy", automatic=False)], by=admin)
    made = commands.clone_work_type(WorkType.objects.get(pk=order.pk), "Order again", by=admin)
    assert (made.contacts_mandatory, made.record_count_label, made.effort_per_record) == (True, "Items", 4)
    columns = ("number", "name", "automatic", "when_empty", "milestone")
    assert list(made.steps.values_list(*columns)) == list(order.steps.values_list(*columns))
    assert not set(made.steps.values_list("guid")) & set(order.steps.values_list("guid"))
