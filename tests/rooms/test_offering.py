"""Catalogue: drafts and how they become live, schedules, what is recorded, whom commands refuse, who sees what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.organisation import Customer, Organisation
from tests.support.overlap import overlap
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features
from workwire.access.models import Role, User
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from workwire.outbox.objects import ObjectType
from workwire.rooms.commitments.rules import Base, DueRule, Override, Unit
from workwire.rooms.offering import commands, queries
from workwire.rooms.offering.models import (
    Process,
    ProcessType,
    ProcessVersion,
    Schedule,
    ScheduleState,
    VersionState,
    WorkType,
)
from workwire.rooms.parties import commands as parties

BEA = "process builder of one company"  # sees the second customer only
JANUARY = date(2027, 1, 1)


@pytest.fixture
def admin(actors: dict[str, Actor]) -> Actor:
    """The administrator."""
    return actors["administrator"]


@pytest.fixture
def case_draft(first: Customer, admin: Actor) -> ProcessVersion:
    """An empty draft of the first customer's case process."""
    return commands.create_version(first.case_version.process, by=admin)


@pytest.fixture
def ticket_draft(first: Customer, admin: Actor) -> ProcessVersion:
    """An empty draft of the first customer's ticket process."""
    return commands.create_version(first.ticket_version.process, by=admin)


@pytest.fixture
def check(first: Customer) -> WorkType:
    """An action type of the first customer's service line."""
    return WorkType.objects.get(name="Check Budget")


def _state(version: ProcessVersion) -> VersionState:
    return VersionState(ProcessVersion.objects.get(pk=version.pk).state)


def _fill(version: ProcessVersion, action_type: WorkType, by: Actor) -> None:
    commands.add_action(commands.add_step(version, "Only step", by=by), action_type, by=by)


@pytest.mark.django_db
def test_a_service_line_and_its_work_types_are_recorded() -> None:
    with recorded() as found:
        line = commands.create_service_line(" Payroll ", description="Wages", by=SYSTEM)
    assert (line.name, found.only.name, found.only.record_type) == (
        "Payroll",
        "ServiceLineCreated",
        ObjectType.SERVICE_LINE,
    )
    assert found.body == {"GUID": str(line.guid), "Name": "Payroll"}
    with recorded() as found:
        kind = commands.create_work_type(line, ProcessType.TICKET, "Wage query", by=SYSTEM)
    assert found.only.name == "WorkTypeCreated"
    assert found.body == {
        "GUID": str(kind.guid),
        "Name": "Wage query",
        "ServiceLineGUID": str(line.guid),
        "ProcessType": 2,
    }
    with recorded() as found:
        for again in (
            lambda: commands.create_service_line("payroll", by=SYSTEM),
            lambda: commands.create_work_type(line, ProcessType.TICKET, "Wage query", by=SYSTEM),
        ):
            with pytest.raises(Conflict) as refusal:
                again()
            assert refusal.value.code.endswith("_name_taken")
    assert not found.events
    commands.create_work_type(line, ProcessType.CASE, "Wage query", by=SYSTEM)


def test_a_process_offers_a_type_of_its_services_line_once(first: Customer, admin: Actor) -> None:
    line = first.service.service_line
    dispute = commands.create_work_type(line, ProcessType.TICKET, "Dispute", by=admin)
    with recorded() as found:
        process = commands.create_process(first.service, dispute, by=admin)
    event = found.only
    assert (event.name, event.record_guid) == ("ProcessCreated", process.guid)
    assert (event.company_guid, event.contract_guid, event.service_guid) == (
        first.company.guid,
        first.contract.guid,
        first.service.guid,
    )
    assert found.body == {"GUID": str(process.guid), "Name": "Dispute", "ServiceGUID": str(first.service.guid)}
    elsewhere = commands.create_service_line("Elsewhere", by=admin)
    foreign = commands.create_work_type(elsewhere, ProcessType.TICKET, "Foreign", by=admin)
    action = commands.create_work_type(line, ProcessType.ACTION, "Look", by=admin)
    with recorded() as found:
        for refused in (foreign, action):
            with pytest.raises(Invalid) as invalid:
                commands.create_process(first.service, refused, by=admin)
            assert (invalid.value.code, invalid.value.field) == ("work_type_invalid", "work_type")
        with pytest.raises(Conflict):
            commands.create_process(first.service, dispute, by=admin)
    assert not found.events


def test_a_version_begins_as_the_next_draft(first: Customer, admin: Actor) -> None:
    schedule = Schedule.objects.get()
    due = DueRule(4, Unit.WORKING_HOURS, override=Override.NO)
    with recorded() as found:
        version = commands.create_version(first.ticket_version.process, due=due, schedule=schedule, by=admin)
    version.refresh_from_db()
    assert (version.number, version.state, version.schedule) == (2, VersionState.DRAFT, schedule)
    assert DueRule.from_json(version.due_rule or {}) == due
    assert found.only.name == "ProcessVersionCreated"
    assert found.only.service_guid == first.service.guid
    assert found.body == {
        "GUID": str(version.guid),
        "Name": "Repair",
        "ProcessGUID": str(first.ticket_version.process.guid),
        "Number": 2,
        "State": VersionState.DRAFT,
    }
    for wrong, field in (
        (DueRule(100_001, Unit.HOURS), "amount"),
        (DueRule(-4_001, Unit.DAYS), "amount"),
        (DueRule(1, Unit.DAYS, base=Base.SCHEDULE_DATE), "of"),
    ):
        with recorded() as found, pytest.raises(Invalid) as refusal:
            commands.create_version(first.ticket_version.process, due=wrong, by=admin)
        assert (refusal.value.code, refusal.value.field) == ("due_rule_invalid", f"due.{field}")
        assert not found.events


def test_categories_lie_in_up_to_three_levels(
    first: Customer, second: Customer, ticket_draft: ProcessVersion, admin: Actor
) -> None:
    """work-manager TIC-4."""
    with recorded() as found:
        top = commands.add_category(ticket_draft, "Payment", by=admin)
    assert found.only.name == "ProcessVersionChanged"
    assert found.body["Change"] == "category Payment added"
    middle = commands.add_category(ticket_draft, "Late", parent=top, by=admin)
    leaf = commands.add_category(ticket_draft, "Very late", parent=middle, by=admin)
    assert [row.level for row in (top, middle, leaf)] == [1, 2, 3]
    assert [row.name for row in queries.categories_of(ticket_draft)] == ["Payment", "Late", "Very late"]
    foreign = second.ticket_version.categories.get(name="Money")
    with recorded() as found:
        for parent in (leaf, foreign):
            with pytest.raises(Invalid) as refusal:
                commands.add_category(ticket_draft, "Deeper", parent=parent, by=admin)
            assert (refusal.value.code, refusal.value.field) == ("parent_invalid", "parent")
        for parent in (None, top):
            with pytest.raises(Conflict):
                commands.add_category(ticket_draft, "Late" if parent else "Payment", parent=parent, by=admin)
    assert not found.events
    assert queries.category(ticket_draft, leaf.guid) == leaf
    with pytest.raises(Invalid) as refusal:
        queries.category(ticket_draft, middle.guid)
    assert refusal.value.code == "category_not_leaf"
    for absent in (ids.new_guid(), foreign.guid):
        with pytest.raises(NotFound):
            queries.category(ticket_draft, absent)


def test_steps_and_actions_keep_their_order(case_draft: ProcessVersion, check: WorkType, admin: Actor) -> None:
    one, two = (commands.add_step(case_draft, name, by=admin) for name in ("One", "Two"))
    with recorded() as found:
        commands.add_action(one, check, instructions="Look\ntwice", due=DueRule(2, Unit.HOURS), by=admin)
    assert found.only.record_guid == case_draft.guid
    assert found.body["Change"] == "action 1.1 Check Budget added"
    commands.add_action(one, check, branch=2, by=admin)
    commands.add_action(one, check, by=admin)
    commands.add_action(two, check, by=admin)
    with CaptureQueriesContext(connection) as asked:
        steps = queries.steps_of(case_draft)
        shape = [
            (step.number, [(row.number, row.branch, row.position, row.work_type.name) for row in step.actions.all()])
            for step in steps
        ]
    assert len(asked) == 2
    assert shape == [
        (1, [(1, 1, 1, check.name), (2, 2, 1, check.name), (3, 1, 2, check.name)]),
        (2, [(1, 1, 1, check.name)]),
    ]
    with recorded() as found:
        for branch in (0, 101):
            with pytest.raises(Invalid) as refusal:
                commands.add_action(one, check, branch=branch, by=admin)
            assert refusal.value.code == "branch_invalid"
        with pytest.raises(Invalid) as refusal:
            commands.add_action(one, case_draft.process.work_type, by=admin)
        assert refusal.value.code == "work_type_invalid"
    assert not found.events


def test_content_belongs_to_its_kind_of_process(
    case_draft: ProcessVersion, ticket_draft: ProcessVersion, admin: Actor
) -> None:
    for refused in (
        lambda: commands.add_category(case_draft, "x", by=admin),
        lambda: commands.add_step(ticket_draft, "x", by=admin),
    ):
        with recorded() as found, pytest.raises(Invalid) as refusal:
            refused()
        assert refusal.value.code == "kind_invalid"
        assert not found.events


def test_only_a_draft_changes_in_content(first: Customer, check: WorkType, admin: Actor) -> None:
    """builder SL-5."""
    step = queries.steps_of(first.case_version)[0]
    with recorded() as found:
        for refused in (
            lambda: commands.add_category(first.ticket_version, "x", by=admin),
            lambda: commands.add_step(first.case_version, "x", by=admin),
            lambda: commands.add_action(step, check, by=admin),
        ):
            with pytest.raises(Conflict) as refusal:
                refused()
            assert refusal.value.code == "version_not_draft"
    assert not found.events


def test_an_incomplete_version_is_neither_tested_nor_live(
    case_draft: ProcessVersion, ticket_draft: ProcessVersion, check: WorkType, admin: Actor
) -> None:
    def refused(version: ProcessVersion) -> None:
        for state in (VersionState.TESTING, VersionState.LIVE):
            with recorded() as found, pytest.raises(Conflict) as refusal:
                commands.set_version_state(version, state, by=admin)
            assert refusal.value.code == "version_incomplete"
            assert not found.events
            assert _state(version) == VersionState.DRAFT

    refused(ticket_draft)
    refused(case_draft)
    _fill(case_draft, check, admin)
    second_step = commands.add_step(case_draft, "Still empty", by=admin)
    refused(case_draft)
    commands.add_action(second_step, check, by=admin)
    commands.set_version_state(case_draft, VersionState.TESTING, by=admin)
    assert _state(case_draft) == VersionState.TESTING


def test_going_live_retires_the_one_before(
    first: Customer, case_draft: ProcessVersion, check: WorkType, admin: Actor
) -> None:
    """builder MX-4: each is an event."""
    _fill(case_draft, check, admin)
    with recorded() as found:
        live = commands.set_version_state(case_draft, VersionState.LIVE, by=admin)
    assert live.state == _state(case_draft) == VersionState.LIVE
    assert _state(first.case_version) == VersionState.RETIRING
    assert [(event.name, event.record_guid) for event in found.events] == [
        ("ProcessVersionChanged", first.case_version.guid),
        ("ProcessVersionChanged", case_draft.guid),
    ]
    with recorded() as found:
        commands.set_version_state(case_draft, VersionState.LIVE, by=admin)
    assert not found.events
    commands.set_version_state(first.case_version, VersionState.LIVE, by=admin)
    assert (_state(first.case_version), _state(case_draft)) == (VersionState.LIVE, VersionState.RETIRING)


def test_only_who_may_release_sets_a_version_live(
    organisation: Organisation, case_draft: ProcessVersion, check: WorkType, admin: Actor
) -> None:
    """builder MX-4: who configures processes does all but that, and who releases does nothing else."""
    _fill(case_draft, check, admin)
    builds, releases = (
        replace(admin, features=frozenset({one, features.ALL_RECORDS}))
        for one in (features.PROCESSES, features.RELEASES)
    )
    with recorded() as found, pytest.raises(Forbidden) as refusal:
        commands.set_version_state(case_draft, VersionState.LIVE, by=builds)
    assert (refusal.value.code, found.events) == ("feature_missing", [])
    commands.set_version_state(case_draft, VersionState.TESTING, by=builds)
    with pytest.raises(Forbidden):
        commands.set_version_state(case_draft, VersionState.DRAFT, by=releases)
    with recorded() as found:
        commands.set_version_state(case_draft, VersionState.LIVE, by=releases)
    assert found.names == ["ProcessVersionChanged"] * 2
    assert {event.actor_id for event in found.events} == {admin.user_id}
    with pytest.raises(Forbidden):
        commands.set_version_state(case_draft, VersionState.RETIRING, by=releases)


ALLOWED = {
    (VersionState.DRAFT, VersionState.TESTING),
    (VersionState.DRAFT, VersionState.LIVE),
    (VersionState.DRAFT, VersionState.ARCHIVE),
    (VersionState.TESTING, VersionState.DRAFT),
    (VersionState.TESTING, VersionState.LIVE),
    (VersionState.TESTING, VersionState.ARCHIVE),
    (VersionState.LIVE, VersionState.RETIRING),
    (VersionState.RETIRING, VersionState.LIVE),
    (VersionState.RETIRING, VersionState.ARCHIVE),
}


@given(wishes=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(VersionState)), max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.django_db
def test_versions_move_as_documented_with_at_most_one_live(
    process_with_versions: Callable[[], list[ProcessVersion]], wishes: list[tuple[int, VersionState]]
) -> None:
    versions = process_with_versions()
    for number, wish in wishes:
        before = [_state(version) for version in versions]
        with recorded() as found:
            try:
                commands.set_version_state(versions[number], wish, by=SYSTEM)
                went = True
            except Conflict:
                went = False
        after = [_state(version) for version in versions]
        assert went == (wish == before[number] or (before[number], wish) in ALLOWED)
        assert after.count(VersionState.LIVE) <= 1
        changed = {versions[at].guid for at in range(3) if before[at] != after[at]}
        assert {event.record_guid for event in found.events} == changed
        assert len(found.events) == len(changed)
        expected = list(before)
        if went and wish == VersionState.LIVE:
            expected = [VersionState.RETIRING if state == VersionState.LIVE else state for state in expected]
        if went:
            expected[number] = wish
        assert after == expected


@pytest.fixture
def process_with_versions(first: Customer, admin: Actor) -> Callable[[], list[ProcessVersion]]:
    """Makes a fresh process of three versions that may go live: a retiring one, the live one, the draft."""
    line = first.service.service_line

    def make() -> list[ProcessVersion]:
        name = f"Process {Process.objects.count()}"
        kind = commands.create_work_type(line, ProcessType.TICKET, name, by=admin)
        process = commands.create_process(first.service, kind, by=admin)
        versions = []
        for number in range(3):
            versions.append(commands.create_version(process, by=admin))
            commands.add_category(versions[-1], "Anything", by=admin)
            if number < 2:
                commands.set_version_state(versions[-1], VersionState.LIVE, by=admin)
        return versions

    return make


@pytest.mark.django_db(transaction=True)
def test_of_two_versions_that_go_live_at_once_the_later_one_is(
    process_with_versions: Callable[[], list[ProcessVersion]],
) -> None:
    one, live, draft = process_with_versions()
    with recorded() as found:
        overlap(
            lambda: commands.set_version_state(one, VersionState.LIVE, by=SYSTEM),
            lambda: commands.set_version_state(draft, VersionState.LIVE, by=SYSTEM),
        )
    states = (_state(one), _state(live), _state(draft))
    assert states == (VersionState.RETIRING, VersionState.RETIRING, VersionState.LIVE)
    assert [event.record_guid for event in found.events] == [live.guid, one.guid, one.guid, draft.guid]


@pytest.mark.django_db(transaction=True)
def test_of_two_drafts_begun_at_once_one_is_and_its_steps_are_numbered_in_turn(first: Customer, admin: Actor) -> None:
    process = first.case_version.process
    one, refused = overlap(*[lambda: commands.create_version(process, by=admin)] * 2)
    assert isinstance(one, ProcessVersion)
    assert isinstance(refused, Conflict)
    assert (one.number, refused.code) == (2, "draft_exists")
    overlap(*[lambda: commands.add_step(one, "Step", by=admin)] * 2)
    assert [step.number for step in queries.steps_of(one)] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_content_added_while_a_draft_goes_live_is_refused(first: Customer, check: WorkType, admin: Actor) -> None:
    draft = commands.create_version(first.case_version.process, by=admin)
    _fill(draft, check, admin)
    live, refused = overlap(
        lambda: commands.set_version_state(draft, VersionState.LIVE, by=admin),
        lambda: commands.add_step(draft, "Too late", by=admin).version,
    )
    assert isinstance(live, ProcessVersion)
    assert isinstance(refused, Conflict)
    assert refused.code == "version_not_draft"


@pytest.mark.django_db
def test_a_schedule_is_a_business_object() -> None:
    with recorded() as found:
        schedule = commands.create_schedule(" Month end ", description="Close", by=SYSTEM)
    assert (found.only.name, found.only.record_type, found.only.company_guid) == (
        "BusinessObjectCreated",
        ObjectType.SCHEDULE,
        None,
    )
    body = {"GUID": str(schedule.guid), "Name": "Month end", "ObjectType": "Schedule"}
    assert found.body == body
    with recorded() as found:
        commands.update_schedule(schedule, name="Quarter end", version=1, by=SYSTEM)
    assert found.only.name == "BusinessObjectUpdated"
    assert found.body == body | {"Name": "Quarter end", "Previous": {"Name": "Month end"}}
    with recorded() as found:
        paused = commands.update_schedule(schedule, state=ScheduleState.PAUSED, by=SYSTEM)
    assert (paused.state, paused.version, found.body["Previous"]) == (ScheduleState.PAUSED, 3, {})
    with recorded() as found:
        commands.update_schedule(schedule, by=SYSTEM)
        commands.update_schedule(schedule, name="Quarter end", state=ScheduleState.PAUSED, by=SYSTEM)
        with pytest.raises(Conflict) as refusal:
            commands.update_schedule(schedule, name="Year end", version=1, by=SYSTEM)
        assert refusal.value.code == "version_conflict"
    assert not found.events


@pytest.mark.django_db
def test_a_period_is_a_change_of_its_schedule() -> None:
    schedule = commands.create_schedule("Month end", by=SYSTEM)
    with recorded() as found:
        period = commands.add_period(
            schedule, year=2027, period="01", start_date=JANUARY, dates={" Cut-off ": "20270115"}, by=SYSTEM
        )
    period.refresh_from_db()
    assert (period.year, period.period, period.start_date) == (2027, "01", JANUARY)
    assert period.dates == {"Cut-off": "2027-01-15"}
    assert (found.only.name, found.only.record_guid) == ("BusinessObjectUpdated", schedule.guid)
    assert found.body["Previous"] == {}
    schedule.refresh_from_db()
    assert schedule.version == 2
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"year": 27}, "year"),
        ({"period": " "}, "period"),
        ({"dates": {"Cut-off": "the 15th"}}, "dates"),
        ({"dates": {"": "2027-01-15"}}, "dates"),
        ({"period": "01"}, "name"),
    ]
    for change, field in wrong:
        values: dict[str, Any] = {"year": 2027, "period": "02", "start_date": JANUARY} | change
        with recorded() as found, pytest.raises((Invalid, Conflict)) as refusal:
            commands.add_period(schedule, by=SYSTEM, **values)
        assert refusal.value.field == field
        assert not found.events
    schedule.refresh_from_db()
    assert schedule.version == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_name_a_schedule_at_once_one_has_it() -> None:
    made, refused = overlap(*[lambda: commands.create_schedule("Month end", by=SYSTEM)] * 2)
    assert isinstance(refused, Conflict)
    assert refused.code == "schedule_name_taken"
    assert Schedule.objects.get() == made


def _all_commands(customer: Customer, check: WorkType, by: Actor, draft: ProcessVersion) -> list[Callable[[], object]]:
    line, schedule = customer.service.service_line, Schedule.objects.get()
    step = queries.steps_of(customer.case_version)[0]
    return [
        lambda: commands.create_process(customer.service, check, by=by),
        lambda: commands.create_version(customer.case_version.process, by=by),
        lambda: commands.add_category(draft, "x", by=by),
        lambda: commands.add_step(customer.case_version, "x", by=by),
        lambda: commands.add_action(step, check, by=by),
        lambda: commands.set_version_state(customer.case_version, VersionState.RETIRING, by=by),
        lambda: commands.create_service_line("x", by=by),
        lambda: commands.create_work_type(line, ProcessType.TICKET, "x", by=by),
        lambda: commands.create_schedule("x", by=by),
        lambda: commands.update_schedule(schedule, name="x", by=by),
        lambda: commands.add_period(schedule, year=2027, period="x", start_date=JANUARY, by=by),
    ]


def test_commands_need_the_feature(
    second: Customer, check: WorkType, actors: dict[str, Actor], ticket_draft: ProcessVersion
) -> None:
    with recorded() as found:
        for refused in _all_commands(second, check, actors["team member"], ticket_draft):
            with pytest.raises(Forbidden):
                refused()
    assert not found.events


def test_what_the_actor_does_not_see_is_not_found(
    first: Customer, check: WorkType, actors: dict[str, Actor], ticket_draft: ProcessVersion
) -> None:
    with recorded() as found:
        for refused in _all_commands(first, check, actors[BEA], ticket_draft)[:6]:
            with pytest.raises(NotFound):
                refused()
    assert not found.events
    assert _state(first.case_version) == VersionState.LIVE


@pytest.mark.parametrize("level", ["parent", "company", "contract", "service", "process", None])
def test_linked_high_means_seen_below(
    organisation: Organisation, admin: Actor, first: Customer, level: str | None
) -> None:
    parent = parties.create_company("Group", by=admin)
    parties.update_company(first.company, parent=parent, by=admin)
    user = access.create_user("nia", "Nia", [Role.objects.get(name="Team Member")], by=admin)
    group, actor = access.create_group("Fresh", [user], by=admin), Actor(user_id=user.pk)
    process = first.ticket_version.process
    target = {
        "parent": parent,
        "company": first.company,
        "contract": first.contract,
        "service": first.service,
        "process": process,
    }
    if level:
        access.grant(group, "company" if level == "parent" else level, target[level], by=admin)
    both = {process.guid, first.case_version.process.guid}
    expected = {None: set[object](), "process": {process.guid}}.get(level, both)
    assert {row.guid for row in queries.processes_visible_to(actor)} == expected
    assert {row.process.guid for row in queries.versions_visible_to(actor)} == expected
    offered = {
        row.process.guid for kind in (ProcessType.CASE, ProcessType.TICKET) for row in queries.offer(actor, kind)
    }
    assert offered == expected


def test_the_conditions_answer_for_many_accounts_in_one_query(organisation: Organisation, first: Customer) -> None:
    account = OuterRef(OuterRef("pk"))
    may_see = organisation.who_sees(first)
    for rows, condition in (
        (Process.objects.filter(pk=first.ticket_version.process_id), queries.processes_seen_by(account)),
        (ProcessVersion.objects.filter(pk=first.ticket_version.pk), queries.versions_seen_by(account)),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert {user.username for user in User.objects.filter(Exists(rows.filter(condition)))} == may_see
        assert len(asked) == 1


def test_a_schedule_is_seen_by_who_builds_and_by_who_sees_its_process(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, second: Customer, admin: Actor
) -> None:
    schedule = commands.create_schedule("Month end", by=admin)

    def see() -> set[str]:
        with CaptureQueriesContext(connection) as asked:
            rows = queries.schedules_with_guid(schedule.guid).filter(
                queries.schedules_seen_by(OuterRef(OuterRef("pk")))
            )
            found = {user.username for user in User.objects.filter(Exists(rows))}
        assert len(asked) == 1
        for name, account in organisation.accounts.items():
            alone = queries.schedules_visible_to(actors[name]).filter(pk=schedule.pk).exists()
            assert alone == (account.user.username in found or name == "administrator")
        return found

    builders = {"olga", "paul", "bea", "ines"}
    assert see() == builders
    with pytest.raises(NotFound):
        queries.schedule(schedule.guid, by=actors["team member"])
    commands.create_version(second.ticket_version.process, schedule=schedule, by=admin)
    assert see() == builders | {"tomas", "pixel"}
    assert queries.schedule(schedule.guid, by=actors["team member"]) == schedule
    access.change_members(second.group, remove=[organisation.accounts["robot"].user], by=admin)
    assert see() == builders | {"tomas"}


def test_a_live_version_comes_with_all_that_starting_work_needs(first: Customer, actors: dict[str, Actor]) -> None:
    by = actors["team member"]
    with CaptureQueriesContext(connection) as asked:
        version = queries.live_version(first.ticket_version.guid, kind=ProcessType.TICKET, by=by)
        service = version.process.service
        assert service.contract.customer.name == first.company.name
        assert service.contract.supplier.name
        assert (service.service_line.name, version.process.work_type.name) == ("Equipment", "Repair")
    assert len(asked) == 1


def test_a_version_not_seen_or_of_another_kind_is_not_found_and_one_not_live_is_refused(
    first: Customer, actors: dict[str, Actor], ticket_draft: ProcessVersion
) -> None:
    for guid, kind, by in (
        (ids.new_guid(), None, "administrator"),
        (first.ticket_version.guid, ProcessType.CASE, "administrator"),
        (first.ticket_version.guid, ProcessType.TICKET, BEA),
    ):
        with pytest.raises(NotFound) as refusal:
            queries.live_version(guid, kind=kind, by=actors[by])
        assert refusal.value.code == "process_version_not_found"
    with pytest.raises(Invalid) as invalid:
        queries.live_version(ticket_draft.guid, by=actors["administrator"])
    assert (invalid.value.code, invalid.value.field) == ("version_draft", "process_version")


def test_the_offer_is_ordered_and_costs_one_query(first: Customer, second: Customer, actors: dict[str, Actor]) -> None:
    with CaptureQueriesContext(connection) as asked:
        offered = [
            (row.process.service.contract.customer.name, row.process.work_type.name)
            for row in queries.offer(actors["team member"], ProcessType.CASE)
        ]
    assert len(asked) == 1
    assert offered == [("Alder Tools", "Order"), ("Willow Clinics", "Order")]
    assert [row.guid for row in queries.offer(actors[BEA], ProcessType.TICKET)] == [second.ticket_version.guid]
