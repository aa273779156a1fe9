"""What the fields of conditions hold for an item: each once, of the item, its case and its last action, in few statements."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.files import commands as files
from workwire.rooms.files.models import FileTag
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import condition_fields, conditions
from workwire.rooms.offering.conditions import BUILT_IN, known_fields, parse
from workwire.rooms.offering.models import (
    ActionDefinition,
    ChecklistLine,
    FieldKind,
    ProcessType,
    ProcessVersion,
    ServiceLine,
    VersionState,
    WorkType,
)
from workwire.rooms.work import commands, condition_facts
from workwire.rooms.work.models import ChecklistResult, StartedBy, WorkItem

AT = datetime(2027, 3, 31, 22, 30, tzinfo=UTC)  # the 1st of April in Amsterdam


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member, who does the work."""
    return actors["team member"]


@pytest.fixture
def version(first: Customer, actors: dict[str, Actor]) -> ProcessVersion:
    """A live case version of two steps: two actions beside each other that ask *Signed?*, then one; and an ad hoc action."""
    admin = actors["administrator"]
    case_type = offering.create_work_type(ServiceLine.objects.get(), ProcessType.CASE, "Claim", by=admin)
    draft = offering.create_version(offering.create_process(first.service, case_type, by=admin), by=admin)
    kind, other = WorkType.objects.get(name="Check Budget"), WorkType.objects.get(name="Ring Customer")
    early = offering.add_step(draft, "Early", by=admin)
    offering.add_action(early, kind, branch=1, checklist=("Signed?",), by=admin)
    offering.add_action(early, other, branch=2, by=admin)
    offering.add_action(offering.add_step(draft, "Late", by=admin), kind, checklist=("Paid?",), by=admin)
    offering.add_ad_hoc_action(draft, kind, checklist=("By hand?",), by=admin)
    offering.add_global_checklist(kind, ("Looked at?",), by=admin)
    return offering.set_version_state(draft, VersionState.LIVE, by=admin)


@pytest.fixture
def case(version: ProcessVersion, by: Actor) -> WorkItem:
    """A running case of that version."""
    with clock.frozen(AT - timedelta(days=3)):
        return commands.create_case(version.guid, by=by, title="Broken chair", submit=True)


def _action(case: WorkItem, name: str) -> WorkItem:
    return WorkItem.objects.get(reference=f"{case.reference}-{name}")


def _says(item: WorkItem, text: str) -> bool | None:
    tree = parse(text)
    facts = condition_facts.facts_of(WorkItem.objects.get(pk=item.pk), [tree], at=AT)
    return conditions.evaluate(tree, facts).holds


def _line(description: str) -> ChecklistLine:
    return ChecklistLine.objects.get(description=description)


def test_every_field_of_the_product_is_gathered(case: WorkItem) -> None:
    trees = [parse(f"[{name}] is empty") for name in BUILT_IN]
    facts = condition_facts.facts_of(case, trees, at=AT)
    assert set(facts.values) == set(BUILT_IN)
    assert facts.time_zone == "Europe/Amsterdam"
    assert all(condition.holds is not None for condition in (conditions.evaluate(tree, facts) for tree in trees))
    assert tuple(StartedBy.labels) == known_fields.STARTED_BY


@pytest.mark.parametrize(
    "text",
    [
        '[customerName] = "Willow Clinics" and [supplierName] = "Cedar Office"',
        '[serviceLineName] = "Equipment" and [processName] = "Claim"',
        '[workItemTitle] = "Broken chair" and [workItemReference] is not empty and [recordCount] = 1',
        '[startedByMethod] = "ByOperationalUser" and [workItemSchedulePeriod] is empty and [scheduleYear] is empty',
        "not [workItemIsOverdue] and not [dueDateIsOverridden] and [workItemDueDate] is empty",
        "addDays([workItemStartDate], 3) = [now] and [now] = 2027-04-01",
        '[lastActionEndDate] is empty and [lastActionName] = ""',
        "[ticketCategory] is empty",
    ],
)
def test_what_stands_around_a_case(case: WorkItem, text: str) -> None:
    assert _says(case, text) is True


def test_the_last_action_is_the_one_that_ended_last(case: WorkItem, by: Actor) -> None:
    commands.answer_checklist(
        _action(case, "A1.1").checklist.get(line=_line("Signed?")), result=ChecklistResult.YES, by=by
    )
    commands.answer_checklist(
        _action(case, "A1.1").checklist.get(line=_line("Looked at?")), result=ChecklistResult.NO, by=by
    )
    with clock.frozen(AT + timedelta(hours=1)):
        commands.resolve(_action(case, "A1.1"), by=by)
    assert _says(case, '[lastActionName] = "Check Budget" and [lastActionStartedByMethod] = "ByWorkflow"') is True
    with clock.frozen(AT + timedelta(hours=2)):
        commands.resolve(_action(case, "A1.2"), by=by)
    assert _says(case, '[lastActionName] = "Ring Customer" and not [lastActionCompletedOverdue]') is True
    assert (
        _says(case, "[lastActionEndDate] = 2027-04-01T00:30:00Z and [workItemStartDate] < [lastActionEndDate]") is True
    )
    inside = _action(case, "A1.2")
    assert _says(inside, '[lastActionName] = "Check Budget"') is True, "of an action, the last one beside it"


def test_builder_cn_9_the_answers_of_earlier_actions(case: WorkItem, by: Actor) -> None:
    """builder CN-9."""
    signed, looked = _line("Signed?"), _line("Looked at?")
    assert _says(case, f'[answer.{signed.guid}] = "Yes"') is False, "nothing is answered yet"
    commands.answer_checklist(
        _action(case, "A1.1").checklist.get(line=signed), result=ChecklistResult.NOT_APPLICABLE, by=by
    )
    assert _says(case, f'[answer.{signed.guid}] = "NA"') is True
    commands.launch_action(case, _by_hand(case).guid, by=by)
    by_hand = WorkItem.objects.get(parent=case, ad_hoc=True)
    commands.answer_checklist(by_hand.checklist.get(line=looked), result=ChecklistResult.YES, by=by)
    assert _says(case, f'[answer.{looked.guid}] = "Yes"') is False, "an ad hoc action does not count"
    assert _says(case, '[answer.nonsense] = "Yes"') is None


def _by_hand(case: WorkItem) -> ActionDefinition:
    return ActionDefinition.objects.get(step__version=case.process_version_id, step__number=0)


def test_builder_cn_10_only_lines_of_earlier_steps_are_known(version: ProcessVersion) -> None:
    """builder CN-10."""
    early, late = version.steps.exclude(number=0)
    lines = {
        step: {
            name
            for name, field in condition_fields.known_fields(version, before=step).items()
            if field.source == conditions.Source.CHECKLIST
        }
        for step in (early, late)
    }
    assert lines[early] == set()
    assert lines[late] == {f"answer.{_line(said).guid}" for said in ("Signed?", "Looked at?")}


def test_custom_data_in_the_types_of_its_fields(case: WorkItem, by: Actor, actors: dict[str, Actor]) -> None:
    admin = actors["administrator"]
    offering.create_data_field("Place", FieldKind.MULTI_LEVEL_LIST, options={"tree": {"EU": {"NL": {}}}}, by=admin)
    offering.create_data_field("Seen at", FieldKind.DATE_TIME, by=admin)
    offering.create_data_field("Lines", FieldKind.TABLE, options={"columns": {"What": "short_text"}}, by=admin)
    data = {"Amount": 99.95, "pay by": "2027-04-01", "Place": ["EU", "NL"], "Seen at": "2027-03-31T23:00:00Z"}
    commands.update(case, by=by, custom_data=data)
    facts = condition_facts.facts_of(
        WorkItem.objects.get(pk=case.pk), [parse("[amount] = 1 or [payBy] = [seenAt] or [place] = [lines]")], at=AT
    )
    assert facts.values == {
        "amount": 99.95,
        "payBy": date(2027, 4, 1),
        "seenAt": datetime(2027, 3, 31, 23, tzinfo=UTC),
        "place": "EU > NL",
        "lines": None,
    }
    assert _says(case, '[amount] = 99.95 and [payBy] = [seenAt] and [place] = "EU > NL" and [lines] is empty') is True
    action = _action(case, "A1.1")
    assert _says(action, "[amount] = 99.95") is True, "an action shows the data of its case"
    commands.update(action, by=by, custom_data={"Amount": 5})
    assert _says(action, "[amount] = 5") is True
    assert _says(case, "[amount] = 5") is True, "they share it"
    assert _says(case, "[amount] = 6 or [nothing] = 1") is None
    assert Decimal(repr(data["Amount"])) == Decimal("99.95")


def test_builder_cn_7_files_of_the_case_and_its_actions(case: WorkItem, by: Actor) -> None:
    """builder CN-7."""
    assert _says(case, 'WorkItemHasFileWithTag("invoice")') is False
    tag = files.TagWish(FileTag.objects.get(name="Invoice").guid)
    wish = files.FileWish(data=b"%PDF-1.4 paid", file_name="bill.pdf", tags=(tag,))
    commands.attach_file(_action(case, "A1.1"), wish, by=by)
    assert _says(case, 'WorkItemHasFileWithTag("INVOICE") and not WorkItemHasFileWithTag("Drawing")') is True
    assert _says(_action(case, "A1.2"), 'WorkItemHasFileWithTag("Invoice")') is True


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ('[customerName] = "a" and [workItemTitle] = "b" and [now] = 2027-01-01', 1),
        ("[amount] = 1 and [payBy] = 2027-01-01", 2),
        ('[lastActionName] = "a" or [lastActionEndDate] is empty', 2),
        ('WorkItemHasFileWithTag("a") or WorkItemHasFileWithTag("b")', 2),
    ],
)
def test_only_what_is_asked_for_is_read(case: WorkItem, text: str, most: int) -> None:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        condition_facts.facts_of(case, [parse(text)], at=AT)
    assert len(caught) <= most


def test_all_there_is_costs_few_statements(case: WorkItem) -> None:
    every = condition_fields.known_fields(case.process_version, before=case.process_version.steps.get(number=2))
    trees = [parse(f"[{name}] is empty") for name in every] + [parse('WorkItemHasFileWithTag("a")')]
    fresh = WorkItem.objects.get(pk=case.pk)
    with CaptureQueriesContext(connection) as caught:
        condition_facts.facts_of(fresh, trees, at=AT)
    assert len(caught) <= 8
