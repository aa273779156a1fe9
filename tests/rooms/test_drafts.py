"""A process has one draft: copied from a version, each part changed, moved, removed; what runs keeps its version."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from tests.support.organisation import Customer
from tests.support.recorded import recorded
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.rooms.commitments.rules import DueRule, Unit
from workwire.rooms.offering import commands, conditions
from workwire.rooms.offering.flow_graphs import Branch, Edge, Node, NodeKind, WhenEmpty
from workwire.rooms.offering.models import (
    ActionDefinition,
    CaseStep,
    ChecklistLine,
    FieldKind,
    FlowNode,
    ProcessType,
    ProcessVersion,
    ServiceLine,
    TicketCategory,
    VersionState,
    WorkType,
)
from workwire.rooms.offering.version_findings import findings
from workwire.rooms.offering.version_graphs import graph_of
from workwire.rooms.work import commands as work
from workwire.rooms.work.models import ChecklistResult

pytestmark = pytest.mark.django_db
A, C, M, E = NodeKind.ACTION, NodeKind.CONDITION, NodeKind.MERGE, NodeKind.END
KEYS = {name: str(UUID(int=number + 1)) for number, name in enumerate("abcdemz")}
ANSWERED = '[answer.{}] = "Yes"'


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def check(first: Customer) -> WorkType:
    """An action type of the organisation."""
    return WorkType.objects.get(name="Check Budget")


@pytest.fixture
def live(first: Customer, check: WorkType, admin: Actor) -> ProcessVersion:
    """A live case version: in step 1 an action that asks a line; in step 2 a condition on the answer, an action on each
    branch, a merge and an end; one ad hoc action."""
    kind = commands.create_work_type(ServiceLine.objects.get(), ProcessType.CASE, "Claim", by=admin)
    process = commands.create_process(first.service, kind, by=admin)
    version = commands.create_version(
        process, due=DueRule(5, Unit.DAYS), title_editable=False, effort_per_record=30, by=admin
    )
    action = commands.add_action(
        commands.add_step(version, "Checks", by=admin), check, checklist=("Signed?", "Paid?"), by=admin
    )
    line = action.checklist.get(description="Signed?")
    commands.save_flow(version, _flow(check, line.guid, a=str(action.guid)), by=admin)
    commands.add_ad_hoc_action(version, check, checklist=("Asked?",), instructions="Call.", by=admin)
    return commands.set_version_state(version, VersionState.LIVE, by=admin)


def _flow(check: WorkType, line: UUID, *, a: str = KEYS["a"]) -> commands.FlowWish:
    yes = Branch("yes", "Signed", conditions.as_json(conditions.parse(ANSWERED.format(line))))
    return commands.FlowWish(
        [commands.StepWish("Checks", milestone=40), commands.StepWish("Payment", automatic=False)],
        [
            Node(a, A, 1),
            Node(KEYS["c"], C, 2, "Signed?", (yes, Branch("no", "Otherwise"))),
            Node(KEYS["b"], A, 2),
            Node(KEYS["d"], A, 2),
            Node(KEYS["m"], M, 2, "Both"),
            Node(KEYS["e"], E, 2, "Done"),
        ],
        [
            Edge(KEYS["c"], KEYS["b"], "yes"),
            Edge(KEYS["c"], KEYS["d"], "no"),
            Edge(KEYS["b"], KEYS["m"]),
            Edge(KEYS["d"], KEYS["m"]),
            Edge(KEYS["m"], KEYS["e"]),
        ],
        {a: commands.ActionWish(check, checklist=None)}
        | {KEYS[name]: commands.ActionWish(check, instructions=name) for name in "bd"},
    )


def _again(version: ProcessVersion) -> ProcessVersion:
    return ProcessVersion.objects.get(pk=version.pk)


def _codes(version: ProcessVersion) -> dict[str, str]:
    """The findings that matter, with their places."""
    return {one.said.code: one.place for one in findings(_again(version)) if one.severity != "advice"}


def test_a_process_has_one_draft_beside_its_live_version(live: ProcessVersion, admin: Actor) -> None:
    draft = commands.copy_version(live, by=admin)
    assert (draft.number, _again(live).state, draft.state) == (2, VersionState.LIVE, VersionState.DRAFT)
    begins: list[Callable[[], object]] = [
        lambda: commands.copy_version(live, by=admin),
        lambda: commands.create_version(live.process, by=admin),
    ]
    for begin in begins:
        with pytest.raises(Conflict) as refused:
            begin()
        assert refused.value.code == "draft_exists"
    commands.set_version_state(draft, VersionState.TESTING, by=admin)
    with pytest.raises(Conflict):
        commands.copy_version(live, by=admin)
    commands.set_version_state(draft, VersionState.ARCHIVE, by=admin)
    assert commands.copy_version(live, by=admin).number == 3


def test_a_copy_holds_what_the_version_holds_under_the_same_identities(live: ProcessVersion, admin: Actor) -> None:
    with recorded() as found:
        draft = commands.copy_version(live, by=admin)
    assert found.names == ["ProcessVersionCreated"]
    assert (draft.due_rule, draft.title_editable, draft.effort_per_record) == (live.due_rule, False, 30)
    one, other = graph_of(live.pk), graph_of(draft.pk)
    assert (other.graph.stages, other.graph.edges) == (one.graph.stages, one.graph.edges)
    assert [(node.key, node.kind, node.name) for node in other.graph.nodes] == [
        (node.key, node.kind, node.name) for node in one.graph.nodes
    ]
    for kind, of in ((CaseStep, "version"), (ActionDefinition, "step__version")):
        pairs = [
            {(row.identity, str(row)) for row in kind.objects.filter(**{of: version})} for version in (live, draft)
        ]
        assert pairs[0] == pairs[1]
        guids = set(kind.objects.filter(**{of: draft}).values_list("guid", flat=True))
        assert not guids & set(kind.objects.filter(**{of: live}).values_list("guid", flat=True))
    assert _texts(draft) == _texts(live)
    line = ChecklistLine.objects.get(definition__step__version=draft, description="Signed?")
    condition = FlowNode.objects.get(version=draft, kind=C).branches[0]["condition"]
    assert condition == conditions.as_json(conditions.parse(ANSWERED.format(line.guid)))
    assert _codes(draft) == {}


def _texts(version: ProcessVersion) -> list[tuple[int, int, str, str]]:
    lines = ChecklistLine.objects.filter(definition__step__version=version)
    columns = ("definition__step__number", "definition__number", "description", "definition__instructions")
    return sorted(lines.values_list(*columns))


def test_what_runs_keeps_its_version_when_the_draft_goes_live(
    live: ProcessVersion, actors: dict[str, Actor], admin: Actor
) -> None:
    member = actors["team member"]
    case = work.create_case(live.guid, by=member, title="Runs", submit=True)
    draft = commands.copy_version(live, by=admin)
    commands.remove_step(draft.steps.get(number=2), by=admin)
    commands.set_version_state(draft, VersionState.LIVE, by=admin)
    case.refresh_from_db()
    assert (case.process_version_id, _again(live).state) == (live.pk, VersionState.RETIRING)
    assert [step.name for step in live.steps.filter(number__gt=0)] == ["Checks", "Payment"]
    action = case.children.get()
    for line in action.checklist.all():
        work.answer_checklist(line, result=ChecklistResult.YES, by=member)
    work.resolve(action, by=member)
    assert case.children.latest("pk").definition == ActionDefinition.objects.get(step__version=live, instructions="b")
    newer = work.create_case(draft.guid, by=member, title="New", submit=True)
    assert newer.process_version_id == draft.pk


def test_sl_4_a_step_is_moved_with_its_actions_and_a_removed_one_leaves_ad_hoc_actions(
    live: ProcessVersion, admin: Actor
) -> None:
    """builder SL-4, SL-5."""
    draft = commands.copy_version(live, by=admin)
    before = {row.identity: row.step.name for row in ActionDefinition.objects.filter(step__version=draft)}
    payment = draft.steps.get(name="Payment")
    commands.change_step(payment, number=1, name="Paying", when_empty=WhenEmpty.PAUSE, by=admin)
    assert list(draft.steps.values_list("number", "name")) == [(0, "Ad hoc"), (1, "Paying"), (2, "Checks")]
    assert _codes(draft) == {"finding_condition_line": f"steps/1/nodes/{KEYS['c']}/branches/yes"}
    commands.remove_step(payment, by=admin)
    assert list(draft.steps.values_list("number", "name")) == [(0, "Ad hoc"), (1, "Checks")]
    ad_hoc = draft.steps.get(number=0).actions.order_by("number")
    assert [(row.number, row.launchable, row.instructions) for row in ad_hoc] == [
        (1, True, "Call."),
        (2, True, "b"),
        (3, True, "d"),
    ]
    after = {row.identity for row in ActionDefinition.objects.filter(step__version=draft)}
    assert after == set(before)
    assert _codes(draft) == {}
    assert [step.name for step in live.steps.filter(number__gt=0)] == ["Checks", "Payment"]


def test_steps_that_cannot_be_moved_or_removed(live: ProcessVersion, admin: Actor) -> None:
    draft = commands.copy_version(live, by=admin)
    checks, ad_hoc = draft.steps.get(number=1), draft.steps.get(number=0)
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: commands.change_step(checks, number=3, by=admin), "step_number_invalid"),
        (lambda: commands.change_step(checks, number=0, by=admin), "step_number_invalid"),
        (lambda: commands.change_step(checks, milestone=101, by=admin), "milestone_invalid"),
        (lambda: commands.remove_step(ad_hoc, by=admin), "step_of_ad_hoc_actions"),
        (lambda: commands.change_step(live.steps.get(number=1), name="x", by=admin), "version_not_draft"),
        (lambda: commands.remove_action(live.steps.get(number=1).actions.get(), by=admin), "version_not_draft"),
    ]
    with recorded() as found:
        for deed, code in refusals:
            with pytest.raises((Invalid, Conflict)) as refused:
                deed()
            assert refused.value.code == code
        commands.change_step(checks, name=checks.name, number=1, by=admin)
    assert found.events == []
    commands.remove_step(checks, by=admin)
    with pytest.raises(NotFound):
        commands.remove_step(checks, by=admin)


def test_an_action_is_changed_and_removed(live: ProcessVersion, check: WorkType, admin: Actor) -> None:
    draft = commands.copy_version(live, by=admin)
    action = draft.steps.get(number=1).actions.get()
    signed = action.checklist.get(description="Signed?")
    commands.change_action(
        action,
        checklist=["New?", commands.LineWish("Signed by both?", signed.guid)],
        due=DueRule(2, Unit.HOURS),
        instructions="Look.",
        by=admin,
    )
    lines = list(action.checklist.values_list("order", "description"))
    assert lines == [(1, "New?"), (2, "Signed by both?")]
    signed.refresh_from_db()
    assert (signed.description, _codes(draft)) == ("Signed by both?", {})
    action.refresh_from_db()
    assert (action.instructions, DueRule.from_json(action.due_rule or {})) == ("Look.", DueRule(2, Unit.HOURS))
    with pytest.raises(Invalid) as refused:
        commands.change_action(action, checklist=[commands.LineWish("Whose?", uuid4())], by=admin)
    assert refused.value.code == "checklist_line_not_found"
    second = ActionDefinition.objects.get(step__version=draft, instructions="b")
    commands.remove_action(second, by=admin)
    edges = {(one.source, one.target, one.branch) for one in graph_of(draft.pk).graph.edges}
    assert (KEYS["c"], KEYS["m"], "yes") in edges
    assert list(draft.steps.get(number=2).actions.values_list("number", "instructions")) == [(1, "d")]
    commands.remove_action(draft.steps.get(number=0).actions.get(), by=admin)
    assert not draft.steps.filter(number=0).exists()


def test_a_flow_saved_again_keeps_what_has_a_known_key(live: ProcessVersion, check: WorkType, admin: Actor) -> None:
    draft = commands.copy_version(live, by=admin)
    action, payment = draft.steps.get(number=1).actions.get(), draft.steps.get(number=2)
    ad_hoc = draft.steps.get(number=0).actions.get()
    signed = action.checklist.get(description="Signed?")
    wish = commands.FlowWish(
        [commands.StepWish("Paying", key=payment.identity), commands.StepWish("Last")],
        [Node(str(action.identity), A, 2), Node(str(ad_hoc.identity), A, 1), Node(KEYS["b"], A, 1)],
        [Edge(str(ad_hoc.identity), KEYS["b"])],
        {
            str(action.identity): commands.ActionWish(check, checklist=("Signed?",)),
            str(ad_hoc.identity): commands.ActionWish(check, checklist=None),
            KEYS["b"]: commands.ActionWish(check, instructions="now"),
        },
        {KEYS["d"]: commands.ActionWish(check)},
    )
    with recorded() as found:
        commands.save_flow(draft, wish, by=admin)
    assert found.names == ["ProcessVersionChanged"]
    assert list(draft.steps.values_list("pk", "number", "name"))[1:2] == [(payment.pk, 1, "Paying")]
    action.refresh_from_db()
    ad_hoc.refresh_from_db()
    assert (action.step.name, action.number, action.checklist.get()) == ("Last", 1, signed)
    assert (ad_hoc.step_id, ad_hoc.number, ad_hoc.position) == (payment.pk, 1, 1)
    assert [line.description for line in ad_hoc.checklist.all()] == ["Asked?"]
    kept = ActionDefinition.objects.get(step=payment, node__key=KEYS["b"])
    assert (kept.branch, kept.position, kept.instructions) == (1, 2, "now")
    moved = draft.steps.get(number=0).actions.get()
    assert (str(moved.identity), moved.launchable) == (KEYS["d"], True)
    assert {str(node.key) for node in draft.nodes.all()} == {str(action.identity), str(ad_hoc.identity), KEYS["b"]}
    commands.add_action(payment, check, by=admin)
    assert (KEYS["b"], 3) in {
        (edge.source, ActionDefinition.objects.get(node__version=draft, node__key=edge.target).position)
        for edge in graph_of(draft.pk).graph.edges
    }


def test_a_condition_that_cannot_be_asked_is_not_saved(live: ProcessVersion, check: WorkType, admin: Actor) -> None:
    """builder CN-4: a condition is checked before it is saved, with the place where it is wrong."""
    commands.create_data_field("Sum", FieldKind.WHOLE_NUMBER, by=admin)
    draft = commands.copy_version(live, by=admin)
    before = graph_of(draft.pk).graph
    for text, code in (
        ("[summ] > 100", "finding_condition_field.nearest"),
        ('[sum] = "many"', "finding_condition_types"),
        ('[sum] contains "many"', "finding_condition_operator"),
        ('[answer.{}] = "Maybe"', "finding_condition_choice"),
    ):
        line = ChecklistLine.objects.get(definition__step__version=draft, description="Signed?")
        with recorded() as found, pytest.raises(Invalid) as refused:
            commands.save_flow(draft, _asking(check, text.format(line.guid), line), by=admin)
        assert (refused.value.full_code, found.events) == (code, [])
        assert refused.value.field == f"steps/2/nodes/{KEYS['c']}/branches/yes"
        assert refused.value.sentence("de") != refused.value.sentence("en")
    assert graph_of(draft.pk).graph == before
    other = ChecklistLine.objects.filter(definition__step__version=live).first()
    assert other is not None
    commands.save_flow(draft, _asking(check, ANSWERED.format(other.guid), line), by=admin)
    assert _codes(draft) == {"finding_condition_line": f"steps/2/nodes/{KEYS['c']}/branches/yes"}
    with pytest.raises(Conflict) as kept:
        commands.set_version_state(draft, VersionState.LIVE, by=admin)
    assert kept.value.code == "version_not_ready"


def _asking(check: WorkType, text: str, line: ChecklistLine) -> commands.FlowWish:
    """The flow with another condition."""
    assert line.definition is not None
    wish = _flow(check, line.guid, a=str(line.definition.identity))
    branches = (Branch("yes", "Signed", conditions.as_json(conditions.parse(text))), Branch("no", "Otherwise"))
    nodes = [Node(n.key, n.kind, n.stage, n.name, branches if n.kind == C else ()) for n in wish.nodes]
    return commands.FlowWish(wish.steps, nodes, wish.edges, wish.actions)


def test_who_edits_from_what_another_one_changed_is_refused(
    live: ProcessVersion, check: WorkType, admin: Actor
) -> None:
    draft = commands.copy_version(live, by=admin)
    assert draft.revision == 1
    commands.change_version(draft, requires_requester=True, revision=1, by=admin)
    step, action = draft.steps.get(number=1), draft.steps.get(number=1).actions.get()
    stale: list[Callable[[], object]] = [
        lambda: commands.change_version(draft, requires_requester=True, revision=1, by=admin),
        lambda: commands.change_step(step, name="x", revision=1, by=admin),
        lambda: commands.remove_step(step, revision=1, by=admin),
        lambda: commands.change_action(action, instructions="x", revision=1, by=admin),
        lambda: commands.remove_action(action, revision=1, by=admin),
        lambda: commands.save_flow(draft, _flow(check, uuid4()), revision=1, by=admin),
    ]
    for deed in stale:
        with pytest.raises(Conflict) as refused:
            deed()
        assert refused.value.full_code == "version_conflict.process_version"
    assert _again(draft).revision == 2
    commands.change_version(draft, requires_requester=True, by=admin)
    assert _again(draft).revision == 2


def test_categories_keep_their_identity_while_they_are_renamed_moved_and_removed(first: Customer, admin: Actor) -> None:
    draft = commands.copy_version(first.ticket_version, by=admin)
    before = {row.name: row for row in first.ticket_version.categories.all()}
    assert {row.name: row.identity for row in draft.categories.all()} == {
        name: row.guid for name, row in before.items()
    }
    keys = {name: uuid4() for name in ("Chairs", "Tables", "Broken")}
    save = _categories(draft, admin)
    with recorded() as found:
        save(("Chairs", "Chairs", None), ("Tables", "Tables", None), ("Broken", "Broken", "Chairs"), keys=keys)
    assert found.names == ["ProcessVersionChanged"]
    rows = {row.name: row.pk for row in draft.categories.all()}
    assert set(rows) == set(keys)
    save(("Chairs", "Tables", None), ("Broken", "Broken", "Tables"), ("Tables", "Chairs", None), keys=keys)
    now = {row.name: row for row in draft.categories.select_related("parent")}
    assert {name: row.pk for name, row in now.items()} == {
        "Tables": rows["Chairs"],
        "Chairs": rows["Tables"],
        "Broken": rows["Broken"],
    }
    assert (now["Broken"].parent, now["Broken"].level) == (now["Chairs"], 2)
    save(("Broken", "Broken", None), keys=keys)
    assert TicketCategory.objects.get(version=draft).pk == rows["Broken"]
    with recorded() as found:
        save(("Broken", "Broken", None), keys=keys)
    assert found.events == []


def _categories(draft: ProcessVersion, admin: Actor) -> Callable[..., object]:
    def save(*wanted: tuple[str, str, str | None], keys: dict[str, UUID]) -> object:
        wishes = [commands.CategoryWish(keys[one], name, keys[up] if up else None) for one, name, up in wanted]
        return commands.save_categories(draft, wishes, by=admin)

    return save


def test_categories_that_cannot_be_saved(first: Customer, admin: Actor) -> None:
    draft = commands.copy_version(first.ticket_version, by=admin)
    one, two, three, four = (uuid4() for _ in range(4))
    wish = commands.CategoryWish
    for wishes, code in (
        ([wish(one, "A"), wish(one, "B")], "category_twice"),
        ([wish(one, "A", two)], "parent_invalid"),
        ([wish(one, "A", two), wish(two, "B", one)], "parent_invalid"),
        ([wish(one, "A"), wish(two, "B", one), wish(three, "C", two), wish(four, "D", three)], "parent_invalid"),
        ([wish(one, "A"), wish(two, "a")], "category_name_taken"),
        ([wish(uuid4(), str(n)) for n in range(1001)], "categories_too_many"),
    ):
        with recorded() as found, pytest.raises((Invalid, Conflict)) as refused:
            commands.save_categories(draft, wishes, by=admin)
        assert (refused.value.code, found.events) == (code, [])
    assert draft.categories.count() == first.ticket_version.categories.count()


def test_only_who_configures_processes_edits_drafts(
    live: ProcessVersion, actors: dict[str, Actor], admin: Actor
) -> None:
    draft = commands.copy_version(live, by=admin)
    step, member = draft.steps.get(number=1), actors["team member"]
    deeds: list[Callable[[], object]] = [
        lambda: commands.copy_version(live, by=member),
        lambda: commands.change_version(draft, requires_requester=False, by=member),
        lambda: commands.save_categories(draft, [], by=member),
        lambda: commands.change_step(step, name="x", by=member),
        lambda: commands.remove_step(step, by=member),
        lambda: commands.change_action(step.actions.get(), instructions="x", by=member),
        lambda: commands.remove_action(step.actions.get(), by=member),
    ]
    with recorded() as found:
        for deed in deeds:
            with pytest.raises(Forbidden):
                deed()
    assert found.events == []
